// Echo on iocpp; its calls of Windows are counted. Usage: iocpp_calls [POSTED_RECEIVE_BYTES]
#include <cstdio>
#include <cstdlib>

#include <iocpp/iocpp.hpp>

#include "call_counter.hpp"

namespace {

struct Echo : iocpp::Handler {
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

}  // namespace

int main(int count, char** words) {
  count_calls();
  Echo echo;
  iocpp::Options options{.host = "127.0.0.1"};
  if (count > 1) options.posted_receive_bytes = std::strtoul(words[1], nullptr, 10);
  iocpp::Server server(options, echo);
  std::printf("listening on %u\n", static_cast<unsigned>(server.port()));
  std::fflush(stdout);
  server.run();
}

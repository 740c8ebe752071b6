// Echo on iocpp, as its users write it. Built twice: on the backend that it chooses by itself, and on epoll.
#include <iocpp/iocpp.hpp>

#include "arguments.hpp"

namespace {

struct Echo : iocpp::Handler {
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

struct Discard : iocpp::Handler {};

}  // namespace

int main(int count, char** words) {
  auto arguments = bench::parse_arguments(count, words);
  Echo echo;
  Discard discard;
  iocpp::Handler* handler = &echo;
  if (arguments.mode == bench::Mode::discard) handler = &discard;
  iocpp::Options options;
  options.host = "127.0.0.1";
  options.port = arguments.port;
  options.backend = iocpp::Backend::BENCH_BACKEND;
  iocpp::Server server(options, *handler);
  bench::announce(server.port());
  server.run();
}

// Echo on iocpp, as its users write it. Built twice: on the backend that it chooses by itself, and on epoll.
#include <iocpp/iocpp.hpp>

#include "arguments.hpp"

namespace {

struct Echo : iocpp::Handler {
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

struct Discard : iocpp::Handler {};

template <class Handler>
void serve(std::uint16_t port) {
  Handler handler;
  iocpp::Options options;
  options.host = "127.0.0.1";
  options.port = port;
  options.backend = iocpp::Backend::BENCH_BACKEND;
  iocpp::Server server(options, handler);
  bench::announce(server.port());
  server.run();
}

}  // namespace

int main(int count, char** words) {
  auto arguments = bench::parse_arguments(count, words);
  if (arguments.mode == bench::Mode::discard) {
    serve<Discard>(arguments.port);
  } else {
    serve<Echo>(arguments.port);
  }
}

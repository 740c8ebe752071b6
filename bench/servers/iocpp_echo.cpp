// Echo on iocpp, as its users write it. Built for the backend that it chooses by itself, with one and with two shards,
// and for epoll. Its handlers hold nothing, so two shards may share one.
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
  options.shards = BENCH_SHARDS;
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

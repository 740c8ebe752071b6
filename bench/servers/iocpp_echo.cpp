// Echo on iocpp, as its users write it. Built for the backend that it chooses by itself, with one and with two shards,
// and with what a public port needs; and for epoll. Its handlers hold nothing, so two shards may share one.
#include <iocpp/iocpp.hpp>

#include "arguments.hpp"

namespace {

struct Echo : iocpp::Handler {
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

struct Discard : iocpp::Handler {};

iocpp::Options usual_options() {
#ifdef BENCH_PUBLIC
  // Those for addresses and rates are asked for clients of this machine too, and refuse nobody.
  iocpp::Options options = iocpp::Options::public_internet();
  options.limits.loopback_too = true;
  options.limits.connections_per_address = options.limits.accepts_per_second = options.limits.accepts_burst = 1'000'000;
  options.limits.accepts_per_second_per_address = options.limits.accepts_burst_per_address = 1'000'000;
  return options;
#else
  return {};
#endif
}

template <class Handler>
void serve(std::uint16_t port) {
  Handler handler;
  iocpp::Options options = usual_options();
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

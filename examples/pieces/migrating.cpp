#include <iocpp/iocpp.hpp>

struct Telemetry : iocpp::Handler {
  void on_connect(iocpp::Connection connection) override { connection.emplace_context<std::size_t>(0); }
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override {
    *connection.context<std::size_t>() += bytes.size();
  }
  void on_disconnect(iocpp::Connection connection, const iocpp::Disconnect&) override {
    total += *connection.context<std::size_t>();
  }
  std::size_t total = 0;  // one handler a shard, all its calls on one thread: no lock
};

int main() {
  iocpp::Server server({.port = 50000}, [](unsigned) { return std::make_unique<Telemetry>(); });  // a shard a core
  server.run();
}

// A program of somebody else's, of an installed iocpp: it echoes to one client and ends.
#include <chrono>
#include <cstdio>

#include <iocpp/iocpp.hpp>

struct Echo : iocpp::Handler {
  iocpp::Server* server = nullptr;

  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
  void on_disconnect(iocpp::Connection, const iocpp::Disconnect& how) override {
    std::printf("disconnected: %s\n", iocpp::to_string(how.reason).data());
    server->request_drain(std::chrono::milliseconds{0});
  }
};

int main() {
  Echo echo;
  iocpp::Server server({.host = "127.0.0.1"}, echo);
  echo.server = &server;
  server.start();
  std::printf("port %u\n", unsigned{server.port()});
  std::fflush(stdout);
  server.wait();
  std::printf("iocpp %s served %llu\n", IOCPP_VERSION, static_cast<unsigned long long>(server.counters().accepted));
}

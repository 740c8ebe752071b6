#include <iocpp/iocpp.hpp>

#include <cstdio>

struct Shout : iocpp::Handler {
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

int main() {
  Shout shout;
  iocpp::Server server({.port = 50000}, shout);
  std::printf("listening on %s\n", server.listener_name().c_str());
  server.run();
}

#include <iocpp/iocpp.hpp>

struct Echo : iocpp::Handler {
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

int main() {
  Echo echo;
  // On every address, for peers you trust; otherwise begin with Options::public_internet().
  iocpp::Server server({.port = 50000}, echo);  // binds and listens; throws std::system_error
  server.run();                                 // until SIGINT or SIGTERM: drains, then returns
}

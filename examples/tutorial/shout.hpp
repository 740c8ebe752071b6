#pragma once
#include <iocpp/iocpp.hpp>

#include <chrono>
#include <span>
#include <vector>

/// Answers everything in capitals, and says goodbye when the server ends.
class Shout : public iocpp::Handler {
 public:
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override {
    std::vector<std::byte> answer(bytes.begin(), bytes.end());  // they are lent until we return
    for (std::byte& each : answer) each = capital(each);
    connection.send(std::move(answer));
  }

  void on_drain(iocpp::Connection connection) override {
    connection.send("BYE\n");
    connection.close();  // sends what is queued, this too, before it ends
  }

 private:
  static std::byte capital(std::byte each) {
    return each >= std::byte{'a'} && each <= std::byte{'z'} ? each ^ std::byte{0x20} : each;
  }
};

/// For a port that anybody can reach.
inline iocpp::Options shout_options() {
  iocpp::Options options = iocpp::Options::public_internet();  // deadlines, limits and caps that such a port needs
  options.port = 50000;
  options.limits.connections_max = 10'000;
  options.limits.connections_per_address = 50;
  options.deadlines.first_byte = std::chrono::seconds{10};  // here the client speaks first
  options.deadlines.idle = std::chrono::minutes{5};
  options.drain_timeout = std::chrono::seconds{5};
  return options;
}

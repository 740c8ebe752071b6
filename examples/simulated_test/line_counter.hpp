// A small protocol: a client sends lines, the server answers each with the number of its bytes.
#pragma once

#include <iocpp/handler.hpp>

#include <string>

/// Answers "5\n" to "hello\n". A line of more than 1,000 bytes ends the connection.
class LineCounter : public iocpp::Handler {
 public:
  void on_connect(iocpp::Connection connection) override { connection.emplace_context<std::string>(); }

  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override {
    // What is received ends anywhere, also in the middle of a line: its beginning is kept with the connection.
    std::string& line = *connection.context<std::string>();
    for (const std::byte byte : bytes) {
      if (byte != std::byte{'\n'}) {
        line += static_cast<char>(byte);
      } else {
        connection.send(std::to_string(line.size()) + "\n");
        line.clear();
      }
    }
    if (line.size() > 1'000) connection.close();
  }
};

/// The same with a mistake that each test over a real loopback connection passes, as a rule: the beginning of a line is
/// kept in the handler, where all connections of the shard share it.
class ForgetfulLineCounter : public iocpp::Handler {
 public:
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override {
    for (const std::byte byte : bytes) {
      if (byte != std::byte{'\n'}) {
        line_ += static_cast<char>(byte);
      } else {
        connection.send(std::to_string(line_.size()) + "\n");
        line_.clear();
      }
    }
  }

 private:
  std::string line_;
};

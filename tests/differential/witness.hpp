// The handler of the script: greets, echoes, obeys four words, and remembers what it was called for.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "differential/script.hpp"
#include "iocpp/handler.hpp"

namespace iocpp::tests {

/// For one shard; to be read when the server has ended. Connections are in the order of on_connect, which is that of
/// the peers: each is greeted before the next one connects.
class Witness final : public Handler {
 public:
  void on_connect(Connection connection) override {
    numbers_[connection.id()] = seen_.size();
    seen_.emplace_back();
    note(connection, "connect");
    connection.send(greeting);
  }

  void on_receive(Connection connection, std::span<const std::byte> bytes) override {
    std::string& received = note(connection, "receive").received;
    received.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (received == "quit") {
      connection.send("bye");
      return connection.close();
    }
    if (received == "kill") return connection.abort();
    if (received == "throw") throw std::runtime_error{"as it was told"};
    if (received == "fin") return connection.shutdown_send();
    if (!word_begins_with(received)) connection.send(received_since(connection));
  }

  void on_sent(Connection connection, std::size_t bytes) override { of(connection).sent += bytes; }

  void on_peer_shutdown(Connection connection) override {
    note(connection, "shutdown");
    connection.close();
  }

  void on_disconnect(Connection connection, const Disconnect& how) override {
    Seen& seen = note(connection, "disconnect");
    seen.reason = how.reason;
    seen.unsent = how.unsent_bytes;
  }

  void on_server_close() override { ++closes_; }

  const std::vector<Seen>& seen() const noexcept { return seen_; }
  unsigned closes() const noexcept { return closes_; }

 private:
  Seen& of(Connection connection) { return seen_[numbers_.at(connection.id())]; }

  Seen& note(Connection connection, const std::string& callback) {
    Seen& seen = of(connection);
    if (!seen.callbacks.ends_with(callback)) seen.callbacks += (seen.callbacks.empty() ? "" : " ") + callback;
    return seen;
  }

  /// A command may come in parts: what could become one is kept back. After "fin" nothing is answered.
  static bool word_begins_with(const std::string& received) {
    for (const std::string word : {"quit", "kill", "throw", "fin"}) {
      if (word.starts_with(received)) return true;
    }
    return received.starts_with("fin");
  }

  std::string received_since(Connection connection) {
    std::size_t& answered = answered_[connection.id()];
    const std::string& received = of(connection).received;
    std::string rest = received.substr(answered);
    answered = received.size();
    return rest;
  }

  std::map<ConnectionId, std::size_t> numbers_;
  std::map<ConnectionId, std::size_t> answered_;
  std::vector<Seen> seen_;
  unsigned closes_ = 0;
};

}  // namespace iocpp::tests

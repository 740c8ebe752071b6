// A handler that keeps what it was told, so that a test can wait for it and check its order.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <ostream>
#include <string>
#include <vector>

#include "iocpp/iocpp.hpp"
#include "server/eventually.hpp"

namespace iocpp::tests {

enum class Told : std::uint8_t {
  connect,
  receive,
  sent,
  writable,
  timer,
  peer_shutdown,
  disconnect,
  send_failed,
  server_close
};

struct Entry {
  Told what;
  ConnectionId id{};
  std::size_t bytes = 0;    ///< receive, sent, send_failed
  Disconnect end{};         ///< disconnect
  std::error_code error{};  ///< send_failed
  std::thread::id thread = std::this_thread::get_id();
};

/// For any number of shards. Each call is noted first, then done what the test put into the member of that name (before
/// the start).
class Journal : public Handler {
 public:
  std::function<void(Connection)> connected;
  std::function<void(Connection, std::span<const std::byte>)> received;
  std::function<void(Connection, std::size_t)> sent;
  std::function<void(Connection)> writable;
  std::function<void(Connection)> timer;
  std::function<void(Connection)> peer_shut_down;  ///< In place of the default, which closes.
  std::function<void(Connection, const Disconnect&)> disconnected;
  std::function<void(ConnectionId)> send_failed;
  std::function<void()> server_closed;

  void on_connect(Connection connection) override;
  void on_receive(Connection connection, std::span<const std::byte> bytes) override;
  void on_sent(Connection connection, std::size_t bytes) override;
  void on_writable(Connection connection) override;
  void on_timer(Connection connection) override;
  void on_peer_shutdown(Connection connection) override;
  void on_disconnect(Connection connection, const Disconnect& end) override;
  void on_send_failed(ConnectionId id, std::vector<std::byte> bytes, std::error_code error) override;
  void on_server_close() override;

  std::vector<Entry> everything() const;
  std::vector<Entry> all(Told what) const;
  std::size_t count(Told what) const;
  std::string received_from(ConnectionId id) const;

  /// The `nth` entry of its kind (from 1), waited for; a failure of the test, and an empty entry, where it does not
  /// come.
  Entry wait_for(Told what, std::size_t nth = 1) const;

  /// Waits until `size` bytes have come from a connection.
  bool wait_for_bytes(ConnectionId id, std::size_t size) const;

  /// What broke the order that every connection is promised: on_connect first, on_disconnect last, once each, all on
  /// one thread. Empty: nothing. For the time after the server's end.
  std::string disorder() const;

 private:
  void note(Entry entry);
  std::size_t count_locked(Told what) const;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Entry> entries_;
  std::map<ConnectionId, std::string> bytes_;
};

/// What is received goes back.
inline void echo(Connection connection, std::span<const std::byte> bytes) {
  connection.send(bytes);
}

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span{text});
  return {bytes.begin(), bytes.end()};
}

}  // namespace iocpp::tests

namespace iocpp {

inline std::ostream& operator<<(std::ostream& out, DisconnectReason reason) {
  return out << to_string(reason);
}

}  // namespace iocpp

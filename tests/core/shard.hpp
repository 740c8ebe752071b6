// A shard's core without an engine, threads or sockets: the test says what the system reports, and sees what is posted.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/core.hpp"
#include "support/native_errors.hpp"

namespace iocpp::core {

inline constexpr int econnreset = tests::native::connection_reset, epipe = tests::native::broken_pipe,
                     eagain = tests::native::would_block, no_buffers = tests::native::no_buffers,
                     host_unreachable = tests::native::host_unreachable, cancelled = tests::native::cancelled;

/// The system's side of one connection.
struct Wire {
  bool receiving = false;
  bool receive_cancelled = false;
  bool sending = false;
  bool send_cancelled = false;
  bool closing = false;
  bool stream_ended = false;  ///< Our end of the stream was sent.
  bool reset = false;         ///< The close is, or was, a reset.
  bool closed = false;
  unsigned receives_posted = 0;
  unsigned sends_posted = 0;
  std::string sent;  ///< What the system has taken, in order.
  std::vector<Buffer> in_flight;
  std::string in_flight_bytes;
  unsigned lent_posted = 0;                ///< Of the sends, those that read from where bytes were received.
  unsigned quiet_posted = 0;               ///< Of the sends, those whose success wakes nobody.
  std::optional<std::uint16_t> lent_from;  ///< Where the one in flight reads.
};

class Shard final : private TimeSource {
 public:
  explicit Shard(Handler& handler, const CoreConfig& config = {}, std::size_t connections_max = 1000);
  /// Cuts and closes what is left.
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  /// A client is accepted.
  Connection connect();
  [[nodiscard]] bool try_connect();
  /// ... without a turn.
  [[nodiscard]] bool try_adopt(NativeHandle handle);

  // What the system reports. Each is a turn of its own, but inside `in_one_turn`.
  void arrives(Connection connection, std::string_view bytes, bool more = true);
  void peer_ends(Connection connection);
  void receive_fails(Connection connection, int error, bool more = false);
  void sent(Connection connection, std::size_t bytes);
  void send_fails(Connection connection, int error, std::size_t bytes = 0);
  /// Sends end, as long as there are any.
  void sent_all(Connection connection);
  void cancels_end();
  void closes_end();
  /// Cancels and closes end, until nothing more comes of it.
  void run_out();
  /// A completion that belongs to nobody any more.
  void stale(Operation operation, Connection connection);

  void in_one_turn(const std::function<void()>& events);
  /// A turn in which nothing was reported; and what ends each other one.
  void turn();
  /// Turns as the deadlines ask for them, until `span` is over.
  void pass(std::chrono::nanoseconds span);
  /// The time goes on, but no turn is made: a slow handler.
  void dawdle(std::chrono::nanoseconds span) { now_ += span; }

  Core& core() { return core_; }
  Wire& wire(Connection connection);
  const Slot* slot(Connection connection) const { return core_.find(connection.id()); }
  std::uint64_t ended(DisconnectReason reason) const {
    return core_.counters().disconnected[static_cast<std::size_t>(reason)].get();
  }
  TimePoint time() const { return now_; }
  /// Of all connections.
  unsigned lent_posted() const;

  /// Posting calls that find room before they are refused until the next turn.
  unsigned room = ~0U;
  /// Receives and sends posted since the time last went on.
  unsigned posts_at_this_instant = 0;

 private:
  TimePoint now() noexcept override { return now_; }
  Completion completion_of(Operation operation, Connection connection) const;
  void flush();
  bool post(Slot& slot);
  void post_send(Slot& slot, Wire& wire);
  bool has_room();
  void end_turn();
  void end_send(Connection connection, int error, std::size_t bytes);
  void recycle();

  TimePoint now_{std::chrono::hours{7}};
  Gate gate_;
  std::map<std::uint64_t, Wire> wires_;
  std::map<NativeHandle, ConnectionId> by_handle_;
  std::map<std::uint16_t, std::unique_ptr<std::byte[]>> buffers_;  // what was received, one a receive
  std::uint16_t next_buffer_ = 0;
  NativeHandle next_handle_ = 1000;
  unsigned room_left_ = ~0U;
  bool in_turn_ = false;
  Core core_;
};

}  // namespace iocpp::core

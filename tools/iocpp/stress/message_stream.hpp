// The books of one echoed stream, without a socket.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace stress {

/// Counts a stream of messages of one size: a message is released (it may be sent), begun (its first byte was),
/// completed (its last byte came back). At most `depth` messages are on their way; the others that are released wait.
class MessageStream {
 public:
  /// `quota`: messages in all.
  MessageStream(std::uint64_t message_bytes, std::uint64_t depth, std::uint64_t quota) noexcept
      : message_bytes_{message_bytes}, depth_{depth}, quota_{quota} {}

  std::uint64_t released() const noexcept { return released_; }
  std::uint64_t begun() const noexcept { return (sent_ + message_bytes_ - 1) / message_bytes_; }
  std::uint64_t completed() const noexcept { return received_ / message_bytes_; }
  std::uint64_t sent_bytes() const noexcept { return sent_; }
  std::uint64_t received_bytes() const noexcept { return received_; }

  bool quota_left() const noexcept { return released_ < quota_; }
  bool room_in_flight() const noexcept { return released_ < completed() + depth_; }
  void release() noexcept { ++released_; }

  /// Releases no more; what is released is still to be sent.
  void stop_releasing() noexcept { quota_ = released_; }

  /// Releases no more, takes back what was not begun, and returns how many messages those are.
  std::uint64_t stop() noexcept {
    const std::uint64_t taken_back = released_ - begun();
    quota_ = released_ = begun();
    return taken_back;
  }

  /// All that was and will be released has come back.
  bool finished() const noexcept { return !quota_left() && received_ == released_ * message_bytes_; }

  std::uint64_t sendable_bytes() const noexcept {
    return std::min(released_, completed() + depth_) * message_bytes_ - sent_;
  }
  void on_sent(std::size_t bytes) noexcept { sent_ += bytes; }

  /// Returns false when more came back than was sent.
  bool on_received(std::size_t bytes) noexcept {
    if (bytes > sent_ - received_) return false;
    received_ += bytes;
    return true;
  }

 private:
  std::uint64_t message_bytes_;
  std::uint64_t depth_;
  std::uint64_t quota_;
  std::uint64_t released_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace stress

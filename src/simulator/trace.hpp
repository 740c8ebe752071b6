// What has happened: a running hash of all of it, and the last of it in words.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace iocpp::simulator {

enum class What : std::uint8_t {
  connecting,
  established,
  refused,
  peer_sent,
  peer_received,
  peer_ended,
  peer_closed,
  peer_reset,
  peer_vanished,
  peer_done,
  peer_lost,
  arrived_at_server,
  end_at_server,
  reset_at_server,
  arrived_at_peer,
  end_at_peer,
  reset_at_peer,
  accepted,
  accept_failed,
  received,
  receive_failed,
  sent,
  send_failed,
  cancelled,
  closed,
  woken,
  turn,
  slept,
  fault,
  on_connect,
  on_receive,
  on_sent,
  on_writable,
  on_peer_shutdown,
  on_drain,
  on_disconnect,
  on_server_error,
  on_server_close,
  called,
  phase,
  on_timer,
  count
};

/// Plain numbers: no pointer, no text. `subject` is a loop, a peer or a connection, as the kind of record has it.
struct Record {
  std::int64_t time = 0;
  What what{};
  std::uint32_t subject = 0;
  std::uint64_t value = 0;
};

class Trace {
 public:
  /// Keeps the last `kept` records; a power of two.
  explicit Trace(std::size_t kept) : records_(kept) {}

  void note(TimePoint time, What what, std::uint32_t subject, std::uint64_t value = 0) noexcept {
    const Record record{time.time_since_epoch().count(), what, subject, value};
    records_[count_ & (records_.size() - 1)] = record;
    ++count_;
    mix(static_cast<std::uint64_t>(record.time));
    mix((std::uint64_t{static_cast<std::uint8_t>(what)} << 32) | subject);
    mix(value);
  }

  std::uint64_t hash() const noexcept { return hash_ ^ (hash_ >> 29); }
  std::uint64_t count() const noexcept { return count_; }
  /// The last `most`, oldest first, a line each.
  std::vector<std::string> last(std::size_t most) const;
  /// The same, as they are.
  template <class Each>
  void for_each_of_last(std::size_t most, Each&& each) const {
    const std::uint64_t shown = std::min<std::uint64_t>({most, records_.size(), count_});
    for (std::uint64_t at = count_ - shown; at < count_; ++at) each(records_[at & (records_.size() - 1)]);
  }

 private:
  void mix(std::uint64_t value) noexcept {
    hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15U;
    hash_ ^= hash_ >> 32;
  }

  std::vector<Record> records_;
  std::uint64_t count_ = 0;
  std::uint64_t hash_ = 0x243f6a8885a308d3U;
};

/// A record in words, made without memory of its own or the C library: the handler of a signal may do it.
class Line {
 public:
  std::string_view text() const noexcept { return {text_.data(), size_}; }
  void add(std::string_view text, std::size_t width = 0) noexcept;
  void add(std::uint64_t number, std::size_t width = 0, char fill = ' ') noexcept;

 private:
  std::array<char, 160> text_;
  std::size_t size_ = 0;
};

Line line_of(const Record& record) noexcept;

}  // namespace iocpp::simulator

// One connection of the echo run.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "stress/clock.hpp"
#include "stress/message_stream.hpp"
#include "stress/pattern.hpp"
#include "stress/socket.hpp"

namespace stress {

enum class EchoState : std::uint8_t { open, ending, over };

struct EchoConnection {
  EchoConnection(Socket connected, std::uint64_t number, const MessageStream& empty_stream)
      : socket{std::move(connected)}, pattern{number}, stream{empty_stream}, random{mix(number)} {}

  Socket socket;
  Pattern pattern;
  MessageStream stream;
  EchoState state = EchoState::open;
  bool slow = false;
  bool pausing = false;   ///< A slow reader between two reads.
  bool end_seen = false;  ///< The poller has seen the peer's end; it says so once.
  std::uint64_t random;   ///< State of the sequence that `split` cuts by.
  std::vector<TimePoint>
      begun_at;  ///< Closed loop: when the last `depth` messages were released, by message number modulo depth.
  std::uint64_t progress = 0;  ///< Bytes sent and received when the sweep last looked.
  TimePoint progress_at;
};

}  // namespace stress

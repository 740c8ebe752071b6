// The echo run: connections that stay, messages to and fro, and how long each took.
#pragma once

#include <cstdint>

#include "stress/clock.hpp"
#include "stress/fault.hpp"
#include "stress/histogram.hpp"
#include "stress/progress.hpp"
#include "stress/socket.hpp"

namespace stress {

struct EchoOptions {
  SocketAddress target;
  std::uint64_t connections = 64;
  std::uint64_t bytes = 64;  ///< Of one message.
  std::uint64_t depth = 1;   ///< Messages in flight on a connection.
  std::uint64_t rate =
      0;  ///< Messages a second over all connections. 0: each answer is followed by the next message at once.
  Duration duration = std::chrono::seconds{10};
  std::uint64_t messages = 0;    ///< Ends after exactly so many messages instead of after `duration`. 0: by time.
  bool verify = false;           ///< Checks every byte that comes back.
  bool split = false;            ///< Cuts the stream into writes of random length, 1 B to 64 KiB.
  std::uint64_t seed = 1;        ///< For `split`.
  double slow_reader_share = 0;  ///< Connections that read little, with pauses.
  std::uint64_t slow_read_bytes = 4096;
  Duration slow_read_pause = std::chrono::milliseconds{1};
  unsigned threads = 1;
  unsigned sources = 64;
  Duration timeout = std::chrono::seconds{10};  ///< For a connection on which nothing gets on.
};

struct EchoResult {
  std::uint64_t connections = 0;  ///< Established.
  std::uint64_t messages = 0;     ///< Completed.
  std::uint64_t bytes = 0;        ///< That came back.
  std::uint64_t unsent =
      0;  ///< At a rate: due but not sent by the end, since too many were in flight. They count in the latencies.
  Duration duration{0};  ///< From the first message to the last answer.
  Histogram latency;     ///< Nanoseconds, from when the message was sent, or at a rate from when it should have been.
  Duration longest_stall{0};  ///< The client's own; see `StallMeter`.
  FaultCounts faults;

  /// Every connection was established and ended in order, and no byte was wrong.
  bool passed() const noexcept { return faults.total() == 0; }
};

/// Throws `std::system_error` where the client can't have a poller.
EchoResult run_echo(const EchoOptions& options, ProgressDisplay* display = nullptr);

}  // namespace stress

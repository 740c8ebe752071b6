// The push run: how much a server takes in.
#pragma once

#include <cstdint>

#include "stress/clock.hpp"
#include "stress/fault.hpp"
#include "stress/progress.hpp"
#include "stress/socket.hpp"

namespace stress {

struct PushOptions {
  SocketAddress target;
  std::uint64_t connections = 10;
  std::uint64_t bytes = 65536;  ///< Of one write.
  Duration duration = std::chrono::seconds{10};
  std::uint64_t rate = 0;  ///< Bytes a second over all connections. 0: as fast as they go.
  unsigned threads = 1;
  unsigned sources = 64;
  Duration timeout =
      std::chrono::seconds{10};  ///< For a connection that takes nothing, or whose end the server does not answer.
};

struct PushResult {
  std::uint64_t connections = 0;  ///< Established.
  std::uint64_t bytes = 0;        ///< Taken by the system; all of them reached the server where there is no fault.
  Duration duration{
      0};  ///< From the first write until the server has ended the last connection, so with everything received.
  Duration longest_stall{0};  ///< The client's own; see `StallMeter`.
  FaultCounts faults;

  bool passed() const noexcept { return faults.total() == 0; }
};

/// Throws `std::system_error` where the client can't have a poller.
PushResult run_push(const PushOptions& options, ProgressDisplay* display = nullptr);

}  // namespace stress

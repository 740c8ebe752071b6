// The idle run: connections that say nothing. What does each cost the server, and for how long does it bear them?
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stress/clock.hpp"
#include "stress/fault.hpp"
#include "stress/progress.hpp"
#include "stress/socket.hpp"

namespace stress {

struct IdleOptions {
  SocketAddress target;
  std::uint64_t connections = 10'000;
  Duration hold = std::chrono::seconds{30};  ///< From the moment when all are connected.
  unsigned threads = 1;
  unsigned sources = 64;
  Duration timeout = std::chrono::seconds{10};  ///< To connect.
};

/// What the server's processes used, all together: read before the first connection, when those that are there have
/// been quiet for a moment, and at the end.
struct ServerCost {
  std::vector<int> process_ids;
  std::string memory_source;  ///< The file of /proc.
  std::uint64_t resident_before = 0;
  std::uint64_t resident_held = 0;
  std::uint64_t resident_end = 0;
  std::uint64_t held = 0;    ///< Connections at the second reading.
  Duration cpu{0};           ///< From the second reading to the last.
  Duration cpu_step{0};      ///< It may be this much more or less.
  Duration cpu_measured{0};  ///< The time between these two.

  /// User memory; negative where the server gave back more than they took. Nothing where the server had ended all.
  std::optional<double> bytes_each() const noexcept;
  /// Of one processor core. Nothing where the server had ended all, which ends the run.
  std::optional<double> cpu_share() const noexcept;
};

struct IdleResult {
  std::uint64_t established = 0;     ///< Those included that the server ended while others still connected.
  std::uint64_t ended_in_order = 0;  ///< By the server, with an end of stream.
  std::uint64_t reset = 0;           ///< By the server.
  std::uint64_t still_connected = 0;
  std::optional<Duration> first_end;  ///< When the server ended the first of them, from the moment when all had
                                      ///< connected; 0 where it was before.
  std::optional<Duration> last_end;
  Duration duration{0};
  Duration longest_stall{0};         ///< The client's own; see `StallMeter`.
  FaultCounts faults;                ///< Of those that could not connect.
  std::optional<ServerCost> server;  ///< Nothing where it can't be read;
  std::string why;                   ///< this says the reason then.

  bool passed() const noexcept { return faults.total() == 0; }
};

/// Ends when the time is over, or when the server has ended all of them. Throws `std::system_error` where the client
/// can't have a poller.
IdleResult run_idle(const IdleOptions& options, ProgressDisplay* display = nullptr);

}  // namespace stress

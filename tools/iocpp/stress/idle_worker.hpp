// One thread of the idle run.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "stress/dialer.hpp"
#include "stress/idle.hpp"
#include "stress/meters.hpp"

namespace stress {

/// Serves its share of the connections: `connect`, then `watch`, then `hold` as often as one likes; one thread at a
/// time.
class IdleWorker {
 public:
  /// Worker `index` of `options.threads`.
  IdleWorker(const IdleOptions& options, unsigned index);

  void connect(const Dialer& dialer);
  /// Ends are told from `start` on.
  void watch(TimePoint start);
  /// Ends early when the server has ended all.
  void hold(TimePoint until);

  /// Any thread.
  std::uint64_t open_so_far() const noexcept { return open_so_far_.load(std::memory_order_relaxed); }

  /// Adds what this worker has seen. After `hold`.
  void report(IdleResult& result) const;

 private:
  void notice_end(Socket& socket);
  void end(Socket& socket, Outcome outcome);

  const IdleOptions& options_;
  std::uint64_t first_ = 0;
  std::uint64_t share_ = 0;
  std::vector<Socket> sockets_;  ///< Closed where the connection is over.
  Poller poller_;
  std::uint64_t established_ = 0;
  std::uint64_t ended_in_order_ = 0;
  std::uint64_t reset_ = 0;
  std::optional<Duration> first_end_;
  std::optional<Duration> last_end_;
  TimePoint start_;
  StallMeter stall_;
  FaultCounts faults_;
  std::atomic<std::uint64_t> open_so_far_{0};
};

}  // namespace stress

// One thread of the push run.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "stress/dialer.hpp"
#include "stress/meters.hpp"
#include "stress/push.hpp"

namespace stress {

/// Serves its share of the connections: `connect`, then `run`.
class PushWorker {
 public:
  /// Worker `index` of `options.threads`.
  PushWorker(const PushOptions& options, unsigned index);

  void connect(const Dialer& dialer);
  /// Returns when every connection is over.
  void run(TimePoint start);

  /// For the display. Any thread.
  std::uint64_t bytes_so_far() const noexcept { return bytes_so_far_.load(std::memory_order_relaxed); }
  std::uint64_t faults_so_far() const noexcept { return faults_so_far_.load(std::memory_order_relaxed); }

  /// Adds what this worker has seen. After `run`.
  void report(PushResult& result, TimePoint start) const;

 private:
  using Index = std::uint32_t;
  enum class State : std::uint8_t { open, ending, over };
  struct Connection {
    Socket socket;
    State state = State::open;
    bool writable = false;  // and so in writable_
    TimePoint progress_at;
  };

  Duration next_wait(TimePoint now) const;
  TimePoint next_write_at() const;
  void write_some(TimePoint now);
  void write(Index index, TimePoint now);
  void on_event(Index index);
  void end_all(TimePoint now);
  void time_out_stuck(TimePoint now);
  void close(Connection& connection, std::optional<Fault> fault);

  const PushOptions& options_;
  std::uint64_t first_ = 0;
  std::uint64_t share_ = 0;
  Poller poller_;
  std::vector<Connection> connections_;
  std::deque<Index> writable_;
  std::uint64_t established_ = 0;
  std::uint64_t open_ = 0;  // of connections_, those that are not over
  TimePoint start_;
  TimePoint stop_at_;
  bool stopped_ = false;
  std::uint64_t bytes_ = 0;
  std::vector<std::byte> block_;
  TimePoint swept_at_;
  TimePoint ended_at_;
  StallMeter stall_;
  FaultCounts faults_;
  std::atomic<std::uint64_t> bytes_so_far_{0};
  std::atomic<std::uint64_t> faults_so_far_{0};
};

}  // namespace stress

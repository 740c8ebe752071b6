// One thread of the slow run.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "stress/dialer.hpp"
#include "stress/meters.hpp"
#include "stress/slow.hpp"

namespace stress {

/// Serves its share of the connections: `connect`, then `run`.
class SlowWorker {
 public:
  /// Worker `index` of `options.threads`.
  SlowWorker(const SlowOptions& options, unsigned index);

  void connect(const Dialer& dialer);
  void run(TimePoint start);

  /// For the display. Any thread.
  std::uint64_t open_so_far() const noexcept { return open_so_far_.load(std::memory_order_relaxed); }

  /// Adds what this worker has seen. After `run`.
  void report(SlowResult& result) const;

 private:
  struct Connection {
    Socket socket;
    bool reads = false;
    bool open = true;
    std::uint64_t asked = 0;  ///< A reader: bytes sent.
    std::uint64_t moved = 0;  ///< Bytes of its slow direction.
  };

  SlowSide& side(const Connection& connection) noexcept { return connection.reads ? readers_ : senders_; }
  void step(Connection& connection, std::uint64_t allowed);
  void step_reader(Connection& connection, std::uint64_t allowed);
  void step_sender(Connection& connection, std::uint64_t allowed);
  void notice_end(Connection& connection, bool ended);
  void end(Connection& connection, Outcome outcome);

  const SlowOptions& options_;
  std::uint64_t first_ = 0;
  std::uint64_t share_ = 0;
  Poller poller_;
  std::vector<Connection> connections_;
  std::uint64_t open_ = 0;
  std::vector<std::byte> block_;
  TimePoint start_;
  StallMeter stall_;
  SlowSide readers_;
  SlowSide senders_;
  FaultCounts faults_;
  std::atomic<std::uint64_t> open_so_far_{0};
};

}  // namespace stress

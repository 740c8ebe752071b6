// One thread of a storm.
#pragma once

#include <cstdint>
#include <vector>

#include "stress/dialer.hpp"
#include "stress/exchange.hpp"
#include "stress/meters.hpp"
#include "stress/storm_ledger.hpp"

namespace stress {

/// Keeps `concurrency` connections going until the ledger has no more.
class StormWorker {
 public:
  StormWorker(const Dialer& dialer, StormLedger& ledger, std::size_t concurrency, Duration timeout);

  void run();

  /// After `run`.
  const FaultCounts& faults() const noexcept { return faults_; }
  Duration longest_stall() const noexcept { return stall_.longest(); }

 private:
  struct Slot {
    Exchange exchange;
    unsigned progress = 0;
    TimePoint progress_at;
  };

  bool begin_some();
  void begin(std::uint32_t index, const StormLedger::Ticket& ticket);
  void advance(std::uint32_t index);
  /// Tells the ledger what is new about a connection, and frees its slot when it is over.
  void account(std::uint32_t index, bool was_established, bool was_answered);
  void time_out_stuck();
  void abandon_all();

  const Dialer& dialer_;
  StormLedger& ledger_;
  Duration timeout_;
  Poller poller_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  FaultCounts faults_;
  StallMeter stall_;
  TimePoint swept_at_;
};

}  // namespace stress

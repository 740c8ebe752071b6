// What the threads of a storm share.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "stress/exchange.hpp"
#include "stress/meters.hpp"
#include "stress/storm.hpp"

namespace stress {

/// Hands out connections, counts what became of them, and sees when the server has died. Any thread.
class StormLedger {
 public:
  struct Ticket {
    std::uint64_t connection;
    Exchange::Kind kind;
  };

  StormLedger(const StormOptions& options, TimePoint start) noexcept
      : options_{options}, connects_{start}, answers_{start} {}

  /// The next connection; nothing when all were begun, or the storm was given up.
  std::optional<Ticket> take() noexcept;

  void on_established(TimePoint now) noexcept;
  void on_answered(TimePoint now) noexcept { answers_.mark(now); }
  /// `exchange` has finished, well or not.
  void on_finished(const Exchange& exchange, TimePoint now) noexcept;

  /// Gives the storm up when the server has shown no sign of life for too long. True when it is given up.
  bool given_up(TimePoint now) noexcept;

  std::uint64_t attempted() const noexcept { return finished_.load(); }
  std::uint64_t faults() const noexcept { return faults_.load(); }

  /// After the threads have ended.
  void report(StormResult& result) const;

 private:
  bool answers_due() const noexcept { return options_.reset_share < 1; }

  const StormOptions& options_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<std::uint64_t> established_{0};
  std::atomic<std::uint64_t> reset_at_once_{0};
  std::atomic<std::uint64_t> echoed_{0};
  std::atomic<std::uint64_t> finished_{0};
  std::atomic<std::uint64_t> faults_{0};
  std::atomic<bool> given_up_{false};
  GapMeter connects_;
  GapMeter answers_;
};

}  // namespace stress

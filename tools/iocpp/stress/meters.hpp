// How long nothing happened: at the server, and in the client itself.
#pragma once

#include <algorithm>
#include <atomic>

#include "stress/clock.hpp"

namespace stress {

/// The longest time between two events that many threads report.
class GapMeter {
 public:
  explicit GapMeter(TimePoint start) noexcept : last_{start.time_since_epoch().count()} {}

  /// The event has happened.
  void mark(TimePoint now) noexcept { stretch(now, last_.exchange(now.time_since_epoch().count())); }

  /// It has not happened: the gap is this long already.
  void still_waiting(TimePoint now) noexcept { stretch(now, last_.load()); }

  Duration since_last(TimePoint now) const noexcept { return now - TimePoint{Duration{last_.load()}}; }
  Duration longest() const noexcept { return Duration{longest_.load()}; }

 private:
  void stretch(TimePoint now, Duration::rep last) noexcept {
    const Duration::rep gap = now.time_since_epoch().count() - last;
    Duration::rep longest = longest_.load();
    while (gap > longest && !longest_.compare_exchange_weak(longest, gap)) {
    }
  }

  std::atomic<Duration::rep> last_;
  std::atomic<Duration::rep> longest_{0};
};

/// The client's own longest stall: the longest time in which one of its loops could not have noticed anything, that is,
/// the work between two waits and what a wait lasted beyond what it was asked for. A gap of about this length says
/// nothing about the server.
class StallMeter {
 public:
  StallMeter() noexcept : woken_{Clock::now()} {}

  void before_wait(Duration timeout) noexcept {
    waits_since_ = Clock::now();
    timeout_ = timeout;
    longest_ = std::max<Duration>(longest_, waits_since_ - woken_);
  }

  void after_wait() noexcept {
    woken_ = Clock::now();
    longest_ = std::max<Duration>(longest_, woken_ - waits_since_ - timeout_);
  }

  /// When the last wait ended: the time for everything that it brought.
  TimePoint now() const noexcept { return woken_; }
  Duration longest() const noexcept { return longest_; }

 private:
  TimePoint woken_;
  TimePoint waits_since_;
  Duration timeout_{0};
  Duration longest_{0};
};

}  // namespace stress

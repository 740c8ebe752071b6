// When messages at a steady rate are due.
#pragma once

#include <cstdint>

#include "stress/clock.hpp"

namespace stress {

/// Message n is due at `start` + (n + phase) * interval, whether or not the ones before it were late: so a latency that
/// is measured from there counts the time in which a message could not be sent ("coordinated omission" leaves it out).
class Schedule {
 public:
  /// `per_second` over 0; `phase` of 0 to 1 staggers several schedules.
  Schedule(TimePoint start, double per_second, double phase) noexcept
      : start_{start}, interval_{1e9 / per_second}, phase_{phase} {}

  TimePoint due(std::uint64_t message) const noexcept {
    return start_ + Duration{static_cast<Duration::rep>((static_cast<double>(message) + phase_) * interval_)};
  }

 private:
  TimePoint start_;
  double interval_;
  double phase_;
};

}  // namespace stress

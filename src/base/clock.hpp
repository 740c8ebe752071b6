// Time: monotonic, handed in by the backend once a turn. Nothing above a backend asks the system for it.
#pragma once

#include <chrono>
#include <cstdint>

namespace iocpp {

/// The clock of a backend: nanoseconds since some fixed moment. It has no `now()`, so that no rule can read it by
/// itself.
struct Clock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
};

using TimePoint = Clock::time_point;

}  // namespace iocpp

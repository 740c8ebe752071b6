// The clock of the stress client.
#pragma once

#include <chrono>

namespace stress {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = std::chrono::nanoseconds;

}  // namespace stress

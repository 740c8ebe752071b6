// Waiting longer after each failure, with jitter, so that many who fail together do not come back together.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/prng.hpp"

namespace iocpp {

/// 1 ms, doubling to 1 s; each wait is shortened by up to a quarter at random. Back to 1 ms after a success.
class Backoff {
 public:
  explicit constexpr Backoff(std::uint64_t seed) noexcept : prng_{seed} {}

  constexpr std::chrono::nanoseconds next() noexcept {
    const auto full = static_cast<std::uint64_t>(wait_.count());
    const std::uint64_t shorter = prng_.below(full / 4 + 1);
    wait_ = std::min(wait_ * 2, longest);
    return std::chrono::nanoseconds{static_cast<std::int64_t>(full - shorter)};
  }

  constexpr void reset() noexcept { wait_ = shortest; }

  static constexpr std::chrono::nanoseconds shortest = std::chrono::milliseconds{1};
  static constexpr std::chrono::nanoseconds longest = std::chrono::seconds{1};

 private:
  Prng prng_;
  std::chrono::nanoseconds wait_ = shortest;
};

}  // namespace iocpp

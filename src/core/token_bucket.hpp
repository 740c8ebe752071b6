// How many may come in a time.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/clock.hpp"

namespace iocpp::core {

/// So many tokens a second, and so many at once at most.
struct TokenRate {
  Clock::rep interval = 0;  ///< From token to token. 0: there is no limit.
  Clock::rep capacity = 0;  ///< In which an empty bucket becomes full.

  /// A `burst` of 0: a second's worth.
  static constexpr TokenRate of(std::uint32_t per_second, std::uint32_t burst) noexcept {
    if (per_second == 0) return {};
    const Clock::rep interval = 1'000'000'000 / per_second;
    return {interval, interval * (burst == 0 ? per_second : burst)};
  }
  constexpr bool limits() const noexcept { return interval != 0; }
};

/// One number: the time at which it is full again. So it needs no refilling, and may be shared: any thread. The
/// threads' times may differ by what their turns take.
class TokenBucket {
 public:
  [[nodiscard]] bool take(const TokenRate& rate, TimePoint now) noexcept {
    const Clock::rep at = now.time_since_epoch().count();
    Clock::rep full_at = full_at_.load(std::memory_order_relaxed);
    Clock::rep next = 0;
    do {
      next = std::max(full_at, at) + rate.interval;
      if (next - at > rate.capacity) return false;
    } while (!full_at_.compare_exchange_weak(full_at, next, std::memory_order_relaxed));
    return true;
  }

  /// Takes one, though there may be none: the bucket owes it then.
  void charge(const TokenRate& rate, TimePoint now) noexcept {
    const Clock::rep at = now.time_since_epoch().count();
    Clock::rep full_at = full_at_.load(std::memory_order_relaxed);
    while (!full_at_.compare_exchange_weak(full_at, std::max(full_at, at) + rate.interval, std::memory_order_relaxed)) {
    }
  }

  std::uint64_t tokens(const TokenRate& rate, TimePoint now) const noexcept {
    const Clock::rep at = now.time_since_epoch().count();
    const Clock::rep missing = std::max(full_at_.load(std::memory_order_relaxed), at) - at;
    return missing > rate.capacity ? 0 : static_cast<std::uint64_t>((rate.capacity - missing) / rate.interval);
  }

  /// When there will be one; or since when, in an empty bucket's time, there has been.
  TimePoint next(const TokenRate& rate) const noexcept {
    return TimePoint{Clock::duration{full_at_.load(std::memory_order_relaxed) + rate.interval - rate.capacity}};
  }

  Clock::rep full_at() const noexcept { return full_at_.load(std::memory_order_relaxed); }
  void fill() noexcept { full_at_.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<Clock::rep> full_at_{0};
};

}  // namespace iocpp::core

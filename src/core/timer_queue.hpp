// Deadlines: a hierarchical timing wheel over a clock that is handed in.
#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "base/intrusive_list.hpp"

namespace iocpp::core {

/// What a timer belongs to; the owner derives from `Timer`.
enum class TimerKind : std::uint8_t { connection, watch, user, listener, starved, drain, postponed };

struct Timer : Link {
  std::uint64_t tick = 0;
  TimerKind kind = TimerKind::connection;

  bool armed() const noexcept { return linked(); }
};

/// Arming, moving and cancelling take constant time; a turn in which nothing expires looks at one bitmap a level. Five
/// levels of 64 places, the lowest of 2^20 ns (about 1 ms): deadlines up to 13 days ahead, later ones are parked in the
/// last place and moved on when it comes. A timer never fires early, at most about 1 ms after its deadline once
/// `expire` is called, and not at all after `cancel`.
class TimerQueue {
 public:
  /// Before the first timer is armed: the time now.
  void begin(TimePoint now) noexcept {
    assert(empty());
    current_ = floor_tick(now);
  }

  /// Arms `timer`, or moves it. A deadline that has passed fires at the next `expire`.
  void arm(Timer& timer, TimePoint deadline) noexcept;
  void cancel(Timer& timer) noexcept;

  /// The same by tick.
  void arm_at(Timer& timer, std::uint64_t tick) noexcept;

  /// The tick that `expire` was last called in, or `begin`.
  std::uint64_t tick() const noexcept { return current_; }
  /// The tick that `time` lies in.
  static std::uint64_t floor_tick(TimePoint time) noexcept {
    return static_cast<std::uint64_t>(time.time_since_epoch().count()) >> tick_bits;
  }
  /// So many ticks take at least `span`, whatever part of the first one is over already.
  static std::uint64_t ticks_of(std::chrono::nanoseconds span) noexcept {
    return ((static_cast<std::uint64_t>(span.count()) + (1U << tick_bits) - 1) >> tick_bits) + 1;
  }

  bool empty() const noexcept { return armed_ == 0; }
  /// For tests and the simulator: it looks at every timer.
  bool holds_as_many_as_it_counts() const noexcept;

  /// When `expire` must be called next at the latest; nothing when no timer is armed. It may be before the first
  /// deadline, never after.
  std::optional<TimePoint> next_deadline() const noexcept;

  /// Calls `fire(Timer&)` for each timer whose deadline is at or before `now`, disarmed. `fire` may arm and cancel any
  /// timer; one that it arms in the past fires at the next call.
  template <class Fire>
  void expire(TimePoint now, Fire&& fire) {
    advance(floor_tick(now));
    while (Link* link = firing_.pop_front()) {
      --armed_;
      fire(static_cast<Timer&>(*link));
    }
  }

 private:
  static constexpr unsigned level_bits = 6;
  static constexpr unsigned places = 1U << level_bits;
  static constexpr unsigned levels = 5;
  static constexpr unsigned tick_bits = 20;

  struct Level {
    std::uint64_t occupied = 0;
    std::array<LinkList, places> lists;
  };
  struct Place {
    unsigned level;
    unsigned index;
    std::uint64_t tick;
  };

  static std::uint64_t ceil_tick(TimePoint time) noexcept {
    return (static_cast<std::uint64_t>(time.time_since_epoch().count()) + (1U << tick_bits) - 1) >> tick_bits;
  }

  void place(Timer& timer) noexcept;
  std::optional<Place> next_place() const noexcept;
  void advance(std::uint64_t now) noexcept;
  void empty_place(const Place& place) noexcept;

  std::uint64_t current_ = 0;
  std::uint64_t armed_ = 0;
  std::array<Level, levels> levels_;
  LinkList due_;     // armed with a deadline that had passed already
  LinkList firing_;  // taken out by advance(), not yet fired; cancel() works here too
};

}  // namespace iocpp::core

#include "core/timer_queue.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace iocpp::core {

void TimerQueue::arm(Timer& timer, TimePoint deadline) noexcept {
  arm_at(timer, ceil_tick(deadline));
}

void TimerQueue::arm_at(Timer& timer, std::uint64_t tick) noexcept {
  cancel(timer);
  timer.tick = tick;
  ++armed_;
  place(timer);
}

void TimerQueue::cancel(Timer& timer) noexcept {
  // A place that this empties stays marked as occupied: it is cleared when its time comes, which costs one early wake
  // at most.
  if (!timer.armed()) return;
  timer.unlink();
  --armed_;
}

void TimerQueue::place(Timer& timer) noexcept {
  if (timer.tick <= current_) {
    due_.push_back(timer);
    return;
  }
  // 63 places of the top level: never the place that current_ is in, which would hide the nearer ones behind it.
  constexpr std::uint64_t reach = std::uint64_t{places - 1} << (level_bits * (levels - 1));
  const std::uint64_t tick = std::min(timer.tick, current_ + reach);
  // The highest group of six bits in which the two differ is the level; below the top one it lies ahead in this round.
  const unsigned highest = 63U - static_cast<unsigned>(std::countl_zero((tick ^ current_) | (places - 1)));
  const unsigned level = std::min(highest / level_bits, levels - 1);
  const unsigned index = static_cast<unsigned>(tick >> (level * level_bits)) & (places - 1);
  levels_[level].lists[index].push_back(timer);
  levels_[level].occupied |= std::uint64_t{1} << index;
}

std::optional<TimerQueue::Place> TimerQueue::next_place() const noexcept {
  for (unsigned level = 0; level < levels; ++level) {
    const std::uint64_t occupied = levels_[level].occupied;
    if (occupied == 0) continue;
    const unsigned shift = level * level_bits;
    const unsigned here = static_cast<unsigned>(current_ >> shift) & (places - 1);
    const unsigned ahead = static_cast<unsigned>(std::countr_zero(std::rotr(occupied, static_cast<int>(here))));
    const unsigned index = (here + ahead) & (places - 1);
    const std::uint64_t round = std::uint64_t{1} << (shift + level_bits);
    std::uint64_t tick = (current_ & ~(round - 1)) + (std::uint64_t{index} << shift);
    if (tick <= current_) tick += round;  // only the top level wraps round
    return Place{level, index, tick};
  }
  return std::nullopt;
}

std::optional<TimePoint> TimerQueue::next_deadline() const noexcept {
  if (armed_ == 0) return std::nullopt;
  const auto at = [](std::uint64_t tick) {
    return TimePoint{std::chrono::nanoseconds{static_cast<std::int64_t>(tick << tick_bits)}};
  };
  if (!due_.empty() || !firing_.empty()) return at(current_);
  const auto next = next_place();
  assert(next.has_value());
  return at(next->tick);
}

void TimerQueue::empty_place(const Place& place_now) noexcept {
  Level& level = levels_[place_now.level];
  level.occupied &= ~(std::uint64_t{1} << place_now.index);
  LinkList waiting;
  waiting.splice_back(level.lists[place_now.index]);
  while (Link* link = waiting.pop_front()) {
    Timer& timer = static_cast<Timer&>(*link);
    if (timer.tick <= current_) {
      firing_.push_back(timer);
    } else {
      place(timer);
    }
  }
}

void TimerQueue::advance(std::uint64_t now) noexcept {
  firing_.splice_back(due_);
  if (armed_ == 0) {
    for (Level& level : levels_) level.occupied = 0;
  }
  for (auto next = next_place(); next && next->tick <= now; next = next_place()) {
    current_ = next->tick;
    empty_place(*next);
  }
  current_ = std::max(current_, now);
}

}  // namespace iocpp::core

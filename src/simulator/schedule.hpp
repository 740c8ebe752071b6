// Virtual time, and everything that is going to happen in it.
#pragma once

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "simulator/random.hpp"

namespace iocpp::simulator {

enum class EventKind : std::uint8_t {
  established,       ///< target: link. A connect reaches the server.
  arrive_at_server,  ///< target: link
  arrive_at_peer,    ///< target: link
  reset_at_server,   ///< target: link
  reset_at_peer,     ///< target: link
  silence,           ///< target: link. The server's side gives up on a peer that has vanished.
  kernel_step,       ///< owner: loop; target: operation
  turn,              ///< owner: loop
  peer,              ///< target: peer. It wants to do something.
  other_thread,      ///< Somebody who is no shard calls the server.
  handles,           ///< The handle limit comes or goes.
  phase,             ///< The run's next phase is due.
};

/// Small, since there are some tens for each connection. Stale when `generation` is not its target's any more.
struct Event {
  std::int64_t time;
  std::uint32_t order;
  std::uint32_t target;
  std::uint32_t generation;
  EventKind kind;
  std::uint8_t owner;

  bool before(const Event& other) const noexcept {
    return time != other.time ? time < other.time : order < other.order;
  }
};

/// A heap of its own making, since the standard's may order equal elements as each library likes. Among events of one
/// instant the order is drawn when they are made.
class Schedule {
 public:
  explicit Schedule(Prng order) : order_{order} { heap_.reserve(4096); }

  TimePoint now() const noexcept { return TimePoint{Clock::duration{now_}}; }

  /// Time that a callback takes; events that are due meanwhile happen late.
  void spend(std::chrono::nanoseconds time) noexcept { now_ += time.count(); }
  void advance_to(TimePoint time) noexcept { now_ = std::max<std::int64_t>(now_, time.time_since_epoch().count()); }

  void after(std::chrono::nanoseconds delay, EventKind kind, std::uint32_t target, std::uint32_t generation,
             unsigned owner = 0) {
    push({.time = now_ + delay.count(),
          .order = static_cast<std::uint32_t>(order_.next()),
          .target = target,
          .generation = generation,
          .kind = kind,
          .owner = static_cast<std::uint8_t>(owner)});
  }

  bool empty() const noexcept { return heap_.empty(); }
  std::size_t size() const noexcept { return heap_.size(); }
  TimePoint next_time() const noexcept { return TimePoint{Clock::duration{heap_.front().time}}; }

  /// The next event; the clock jumps to it.
  Event next() noexcept {
    assert(!heap_.empty());
    const Event event = heap_.front();
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(last);
    now_ = std::max(now_, event.time);
    return event;
  }

 private:
  static constexpr std::size_t branches = 4;

  void push(const Event& event) {
    std::size_t at = heap_.size();
    heap_.push_back(event);
    while (at != 0) {
      const std::size_t above = (at - 1) / branches;
      if (!event.before(heap_[above])) break;
      heap_[at] = heap_[above];
      at = above;
    }
    heap_[at] = event;
  }

  void sink(const Event& event) noexcept {
    std::size_t at = 0;
    for (;;) {
      const std::size_t first = at * branches + 1;
      if (first >= heap_.size()) break;
      std::size_t least = first;
      for (std::size_t child = first + 1; child < std::min(first + branches, heap_.size()); ++child) {
        if (heap_[child].before(heap_[least])) least = child;
      }
      if (!heap_[least].before(event)) break;
      heap_[at] = heap_[least];
      at = least;
    }
    heap_[at] = event;
  }

  std::vector<Event> heap_;
  Prng order_;
  std::int64_t now_ = std::chrono::nanoseconds{std::chrono::hours{1}}.count();
};

}  // namespace iocpp::simulator

// The timer queue against a model that can hardly be wrong: a sorted list of deadlines.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "base/prng.hpp"
#include "core/timer_queue.hpp"

namespace iocpp::core {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds step{1U << 20};

struct Numbered : Timer {
  std::size_t number = 0;
};

/// One random history: arms, moves, cancels, also out of callbacks, and jumps of the clock of all sizes.
class History {
 public:
  explicit History(std::uint64_t seed) : prng_{seed}, now_{some_time()} {
    for (std::size_t number = 0; number < timers_.size(); ++number) timers_[number].number = number;
    queue_.begin(now_);
  }
  ~History() {
    for (Numbered& timer : timers_) queue_.cancel(timer);
  }
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  void run() {
    for (int round = 0; round < 400 && !testing::Test::HasFailure(); ++round) {
      const std::uint64_t changes = prng_.below(6);
      for (std::uint64_t change = 0; change < changes; ++change) change_one();
      check_next_deadline();
      step_on();
      expire();
    }
  }

  std::uint64_t fired() const { return fired_; }

 private:
  TimePoint some_time() {
    return TimePoint{std::chrono::hours{24} + nanoseconds{static_cast<std::int64_t>(prng_.below(1ULL << 55))}};
  }

  /// From nanoseconds to a year, each magnitude as likely as the others.
  nanoseconds some_span() {
    const std::uint64_t bits = prng_.below(55);
    return nanoseconds{static_cast<std::int64_t>(prng_.below(1ULL << bits))};
  }

  void arm(Numbered& timer) {
    const nanoseconds span = some_span();
    const TimePoint deadline = prng_.below(8) == 0 ? now_ - span / 1024 : now_ + span;
    queue_.arm(timer, deadline);
    forget(timer.number);
    deadlines_.emplace(timer.number, deadline);
    by_deadline_.emplace(deadline, timer.number);
    if (in_fire_) armed_in_fire_.insert(timer.number);
  }

  void cancel(Numbered& timer) {
    queue_.cancel(timer);
    forget(timer.number);
  }

  void forget(std::size_t number) {
    const auto at = deadlines_.find(number);
    if (at == deadlines_.end()) return;
    auto [first, last] = by_deadline_.equal_range(at->second);
    while (first != last && first->second != number) ++first;
    by_deadline_.erase(first);
    deadlines_.erase(at);
  }

  void change_one() {
    Numbered& timer = timers_[prng_.below(timers_.size())];
    prng_.below(3) == 0 ? cancel(timer) : arm(timer);
  }

  void check_next_deadline() {
    const auto next = queue_.next_deadline();
    ASSERT_EQ(next.has_value(), !deadlines_.empty());
    ASSERT_EQ(queue_.empty(), deadlines_.empty());
    if (!next) return;
    ASSERT_LT(*next, std::max(by_deadline_.begin()->first, now_) + step);
  }

  /// Sometimes exactly as far as the queue asks for, as a loop would sleep.
  void step_on() {
    const auto next = queue_.next_deadline();
    const bool sleep = prng_.below(2) == 0;
    const nanoseconds span = some_span() / 8;
    now_ = sleep && next ? std::max(now_, *next) : now_ + span;
  }

  void expire() {
    in_fire_ = true;
    armed_in_fire_.clear();
    queue_.expire(now_, [this](Timer& timer) { fire(static_cast<Numbered&>(timer)); });
    in_fire_ = false;
    // Whoever is a whole step overdue should have fired, unless it was armed by a callback just now.
    for (const auto& [deadline, number] : by_deadline_) {
      if (deadline + step > now_) break;
      EXPECT_TRUE(armed_in_fire_.contains(number)) << "timer " << number << " is late";
    }
  }

  void fire(Numbered& timer) {
    ++fired_;
    const auto known = deadlines_.find(timer.number);
    ASSERT_NE(known, deadlines_.end()) << "fired after its cancel, or twice";
    EXPECT_LE(known->second, now_) << "early";
    EXPECT_FALSE(armed_in_fire_.contains(timer.number)) << "armed and fired in one call";
    forget(timer.number);
    if (prng_.below(2) == 0) change_one();
    if (prng_.below(4) == 0) arm(timer);
  }

  Prng prng_;
  TimePoint now_;
  TimerQueue queue_;
  std::vector<Numbered> timers_ = std::vector<Numbered>(40);
  std::map<std::size_t, TimePoint> deadlines_;
  std::multimap<TimePoint, std::size_t> by_deadline_;
  std::set<std::size_t> armed_in_fire_;
  bool in_fire_ = false;
  std::uint64_t fired_ = 0;
};

TEST(TimerQueue, agrees_with_a_sorted_list_over_many_histories) {
  std::uint64_t fired = 0;
  for (std::uint64_t seed = 0; seed < 400 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    History history{seed};
    history.run();
    fired += history.fired();
  }
  EXPECT_GT(fired, 100'000U) << "the histories have become too quiet to prove anything";
}

}  // namespace
}  // namespace iocpp::core

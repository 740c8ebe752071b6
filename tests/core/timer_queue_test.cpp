#include "core/timer_queue.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <vector>

namespace iocpp::core {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr TimePoint start{hours{5} + nanoseconds{123'456'789}};
/// The wheel's step, and so what a timer may be late.
constexpr nanoseconds step{1U << 20};

struct Named : Timer {
  explicit Named(int number) : name{number} {}
  int name;
};

class Clockwork {
 public:
  Clockwork() { queue.begin(start); }

  /// The names of those that fire at `start + after`, in their order.
  std::vector<int> at(nanoseconds after) {
    std::vector<int> fired;
    queue.expire(start + after, [&](Timer& timer) {
      EXPECT_FALSE(timer.armed());
      fired.push_back(static_cast<Named&>(timer).name);
      if (on_fire) on_fire(timer);
    });
    return fired;
  }

  TimerQueue queue;
  std::function<void(Timer&)> on_fire;
};

using Names = std::vector<int>;

TEST(TimerQueue, a_new_queue_has_no_deadline) {
  Clockwork clock;
  EXPECT_TRUE(clock.queue.empty());
  EXPECT_EQ(clock.queue.next_deadline(), std::nullopt);
  EXPECT_EQ(clock.at(hours{1}), Names{});
}

TEST(TimerQueue, fires_once_never_early_and_a_step_late_at_most) {
  for (const nanoseconds wait : {nanoseconds{1}, nanoseconds{milliseconds{1}}, nanoseconds{milliseconds{63}},
                                 nanoseconds{milliseconds{64}}, nanoseconds{milliseconds{68}}, nanoseconds{seconds{1}},
                                 nanoseconds{seconds{5}}, nanoseconds{hours{1}}, nanoseconds{hours{30}}}) {
    Clockwork clock;
    Named timer{1};
    clock.queue.arm(timer, start + wait);
    EXPECT_TRUE(timer.armed());
    EXPECT_EQ(clock.at(wait - nanoseconds{1}), Names{}) << wait.count() << " ns: early";
    EXPECT_EQ(clock.at(wait + step), Names{1}) << wait.count() << " ns: too late";
    EXPECT_EQ(clock.at(wait + hours{1}), Names{}) << wait.count() << " ns: twice";
    EXPECT_TRUE(clock.queue.empty());
  }
}

TEST(TimerQueue, a_deadline_that_has_passed_fires_at_the_next_expire) {
  Clockwork clock;
  Named timer{1};
  EXPECT_EQ(clock.at(seconds{10}), Names{});
  clock.queue.arm(timer, start + seconds{3});
  ASSERT_TRUE(clock.queue.next_deadline().has_value());
  EXPECT_LE(*clock.queue.next_deadline(), start + seconds{10});
  EXPECT_EQ(clock.at(seconds{10}), Names{1});
}

TEST(TimerQueue, earlier_deadlines_fire_first) {
  Clockwork clock;
  Named late{3};
  Named soon{1};
  Named between{2};
  clock.queue.arm(late, start + hours{2});
  clock.queue.arm(soon, start + milliseconds{20});
  clock.queue.arm(between, start + seconds{20});
  EXPECT_EQ(clock.at(hours{3}), (Names{1, 2, 3}));
}

TEST(TimerQueue, arming_again_moves_the_deadline) {
  Clockwork clock;
  Named timer{1};
  clock.queue.arm(timer, start + seconds{1});
  clock.queue.arm(timer, start + seconds{9});
  EXPECT_EQ(clock.at(seconds{8}), Names{});
  clock.queue.arm(timer, start + milliseconds{8500});
  EXPECT_EQ(clock.at(milliseconds{8500} + step), Names{1});
  EXPECT_EQ(clock.at(seconds{20}), Names{});
}

TEST(TimerQueue, a_cancelled_timer_never_fires) {
  Clockwork clock;
  Named timer{1};
  clock.queue.arm(timer, start + seconds{1});
  clock.queue.cancel(timer);
  EXPECT_FALSE(timer.armed());
  EXPECT_TRUE(clock.queue.empty());
  EXPECT_EQ(clock.queue.next_deadline(), std::nullopt);
  EXPECT_EQ(clock.at(hours{1}), Names{});
  clock.queue.cancel(timer);
  EXPECT_TRUE(clock.queue.empty());
}

TEST(TimerQueue, an_overdue_timer_can_be_cancelled) {
  Clockwork clock;
  Named timer{1};
  clock.queue.arm(timer, start - seconds{1});
  clock.queue.cancel(timer);
  EXPECT_EQ(clock.at(seconds{1}), Names{});
}

TEST(TimerQueue, a_timer_cancelled_by_another_that_fires_at_the_same_step_does_not_fire) {
  // An expired timer that is queued to fire used to fire all the same in other libraries: it is due, and cancelled.
  Clockwork clock;
  Named one{1};
  Named other{2};
  clock.queue.arm(one, start + seconds{1});
  clock.queue.arm(other, start + seconds{1});
  clock.on_fire = [&](Timer& timer) { clock.queue.cancel(&timer == &one ? other : one); };
  EXPECT_EQ(clock.at(seconds{2}).size(), 1U);
  EXPECT_TRUE(clock.queue.empty());
  EXPECT_EQ(clock.at(hours{1}), Names{});
}

TEST(TimerQueue, a_timer_moved_by_another_that_fires_at_the_same_step_fires_at_its_new_time) {
  Clockwork clock;
  Named one{1};
  Named other{2};
  clock.queue.arm(one, start + seconds{1});
  clock.queue.arm(other, start + seconds{1});
  clock.on_fire = [&](Timer& timer) {
    if (&timer == &one) clock.queue.arm(other, start + seconds{5});
  };
  EXPECT_EQ(clock.at(seconds{2}), Names{1});
  EXPECT_EQ(clock.at(milliseconds{4999}), Names{});
  EXPECT_EQ(clock.at(seconds{6}), Names{2});
}

TEST(TimerQueue, a_timer_that_arms_itself_again_fires_again_but_not_in_the_same_call) {
  Clockwork clock;
  Named timer{1};
  clock.queue.arm(timer, start + seconds{1});
  clock.on_fire = [&](Timer&) { clock.queue.arm(timer, start); };
  EXPECT_EQ(clock.at(seconds{2}), Names{1});
  EXPECT_EQ(clock.at(seconds{2}), Names{1});
  clock.on_fire = [&](Timer&) { clock.queue.arm(timer, start + seconds{3}); };
  EXPECT_EQ(clock.at(seconds{2}), Names{1});
  EXPECT_EQ(clock.at(seconds{2}), Names{});
  EXPECT_EQ(clock.at(seconds{3} + step), Names{1});
  clock.queue.cancel(timer);
}

TEST(TimerQueue, knows_the_next_deadline_while_others_are_still_to_fire) {
  // A callback may ask for it, directly or by way of the loop; only the wheel was looked at, which was empty.
  Clockwork clock;
  Named one{1};
  Named other{2};
  clock.queue.arm(one, start + seconds{1});
  clock.queue.arm(other, start + seconds{1});
  std::vector<bool> due_at_once;
  clock.on_fire = [&](Timer&) {
    const auto next = clock.queue.next_deadline();
    due_at_once.push_back(next.has_value() && *next <= start + seconds{2});
  };
  EXPECT_EQ(clock.at(seconds{2}).size(), 2U);
  EXPECT_EQ(due_at_once, (std::vector{true, false}));
}

TEST(TimerQueue, a_throwing_fire_leaves_the_rest_to_the_next_call) {
  Clockwork clock;
  Named one{1};
  Named other{2};
  clock.queue.arm(one, start + seconds{1});
  clock.queue.arm(other, start + seconds{1});
  clock.on_fire = [](Timer&) { throw 1; };
  EXPECT_ANY_THROW(static_cast<void>(clock.at(seconds{2})));
  clock.on_fire = nullptr;
  ASSERT_TRUE(clock.queue.next_deadline().has_value());
  EXPECT_LE(*clock.queue.next_deadline(), start + seconds{2});
  EXPECT_EQ(clock.at(seconds{2}).size(), 1U);
}

TEST(TimerQueue, deadlines_beyond_the_wheel_keep_their_time) {
  for (const hours wait : {hours{24 * 13}, hours{24 * 14}, hours{24 * 30}, hours{24 * 365}, hours{24 * 365 * 100}}) {
    Clockwork clock;
    Named timer{1};
    clock.queue.arm(timer, start + wait);
    unsigned wakes = 0;
    TimePoint now = start;
    while (!clock.queue.empty()) {
      const TimePoint next = *clock.queue.next_deadline();
      ASSERT_GT(next, now) << "a wake that gets nowhere";
      ASSERT_LE(next, start + wait + step);
      now = next;
      ASSERT_LT(++wakes, 4000U);
      const Names fired = clock.at(now - start);
      EXPECT_EQ(fired.empty(), now < start + wait);
    }
    EXPECT_GE(now, start + wait);
  }
}

TEST(TimerQueue, a_jump_over_years_fires_all_that_was_due_and_no_more) {
  Clockwork clock;
  Named soon{1};
  Named in_a_month{2};
  Named in_a_year{3};
  Named never{4};
  clock.queue.arm(soon, start + seconds{1});
  clock.queue.arm(in_a_month, start + hours{24 * 30});
  clock.queue.arm(in_a_year, start + hours{24 * 365});
  clock.queue.arm(never, TimePoint::max());
  EXPECT_EQ(clock.at(hours{24 * 364}).size(), 2U);
  EXPECT_EQ(clock.at(hours{24 * 366}), Names{3});
  EXPECT_EQ(clock.at(hours{24 * 366 * 20}), Names{});
  EXPECT_TRUE(never.armed());
  clock.queue.cancel(never);
}

TEST(TimerQueue, a_clock_that_stands_or_goes_back_fires_nothing_early) {
  // Only the backend's monotonic clock counts; should it err, nobody is timed out by that.
  Clockwork clock;
  Named timer{1};
  EXPECT_EQ(clock.at(hours{1}), Names{});
  clock.queue.arm(timer, start + hours{1} + seconds{5});
  EXPECT_EQ(clock.at(hours{-1}), Names{});
  EXPECT_EQ(clock.at(hours{1}), Names{});
  EXPECT_EQ(clock.at(hours{1} + seconds{4}), Names{});
  EXPECT_EQ(clock.at(hours{1} + seconds{6}), Names{1});
}

TEST(TimerQueue, a_deadline_armed_long_after_the_last_expire_counts_from_its_arming) {
  // The queue's own idea of the time is as old as the turn. A deadline is absolute, so a slow handler does
  // not shorten it.
  Clockwork clock;
  Named timer{1};
  EXPECT_EQ(clock.at(seconds{1}), Names{});
  const nanoseconds slow_handler_ends = seconds{31};
  clock.queue.arm(timer, start + slow_handler_ends + seconds{5});
  EXPECT_EQ(clock.at(slow_handler_ends), Names{});
  EXPECT_EQ(clock.at(slow_handler_ends + milliseconds{4999}), Names{});
  EXPECT_EQ(clock.at(slow_handler_ends + seconds{5} + step), Names{1});
}

TEST(TimerQueue, a_place_left_by_cancelled_timers_costs_a_wake_at_most) {
  Clockwork clock;
  Named cancelled{1};
  Named kept{2};
  clock.queue.arm(cancelled, start + seconds{1});
  clock.queue.arm(kept, start + seconds{100});
  clock.queue.cancel(cancelled);
  unsigned wakes = 0;
  Names fired;
  while (fired.empty() && ++wakes < 20) fired = clock.at(*clock.queue.next_deadline() - start);
  EXPECT_EQ(fired, Names{2});
  EXPECT_LE(wakes, 6U);
}

}  // namespace
}  // namespace iocpp::core

// Virtual time: in order, and the order of one instant is the seed's.
#include "simulator/schedule.hpp"

#include <gtest/gtest.h>

namespace iocpp::simulator {
namespace {

using std::chrono::nanoseconds;

std::vector<std::uint32_t> order_of(std::uint64_t seed, const std::vector<int>& delays) {
  Schedule schedule{Prng{seed}};
  std::uint32_t target = 0;
  for (const int delay : delays) schedule.after(nanoseconds{delay}, EventKind::peer, target++, 1);
  std::vector<std::uint32_t> order;
  while (!schedule.empty()) order.push_back(schedule.next().target);
  return order;
}

TEST(Schedule, events_come_in_the_order_of_their_times) {
  EXPECT_EQ(order_of(1, {50, 10, 40, 20, 30}), (std::vector<std::uint32_t>{1, 3, 4, 2, 0}));
}

TEST(Schedule, the_order_of_one_instant_is_the_seeds) {
  const std::vector<int> same(12, 5);
  EXPECT_EQ(order_of(1, same), order_of(1, same));
  EXPECT_NE(order_of(1, same), order_of(2, same));
}

TEST(Schedule, the_clock_jumps_to_the_event_and_never_back) {
  Schedule schedule{Prng{1}};
  const TimePoint begin = schedule.now();
  schedule.after(nanoseconds{100}, EventKind::peer, 0, 1);
  schedule.after(nanoseconds{200}, EventKind::peer, 1, 1);
  schedule.next();
  EXPECT_EQ(schedule.now(), begin + nanoseconds{100});
  schedule.spend(nanoseconds{500});  // a slow callback: the second event is late
  schedule.next();
  EXPECT_EQ(schedule.now(), begin + nanoseconds{600});
}

TEST(Schedule, thousands_in_random_order_come_out_sorted) {
  Schedule schedule{Prng{1}};
  Prng prng{2};
  for (std::uint32_t count = 0; count < 10'000; ++count)
    schedule.after(nanoseconds{static_cast<std::int64_t>(prng.below(1000))}, EventKind::peer, count, 1);
  std::int64_t last = 0;
  std::size_t count = 0;
  for (; !schedule.empty(); ++count) {
    const Event event = schedule.next();
    ASSERT_GE(event.time, last);
    last = event.time;
  }
  EXPECT_EQ(count, 10'000U);
}

}  // namespace
}  // namespace iocpp::simulator

#include "stress/schedule.hpp"

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using stress::Schedule;
using stress::TimePoint;

TEST(Schedule, messages_are_due_at_a_steady_rate) {
  const TimePoint start{};
  const Schedule schedule{start, 1000, 0};
  EXPECT_EQ(schedule.due(0), start);
  EXPECT_EQ(schedule.due(1), start + 1ms);
  EXPECT_EQ(schedule.due(1'000'000), start + 1000s);
}

TEST(Schedule, phase_staggers) {
  const TimePoint start{};
  EXPECT_EQ((Schedule{start, 1000, 0.5}.due(2)), start + 2500us);
}

}  // namespace

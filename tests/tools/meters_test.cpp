#include "stress/meters.hpp"

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using stress::GapMeter;
using stress::TimePoint;

TEST(GapMeter, keeps_the_longest_gap) {
  const TimePoint start{};
  GapMeter meter{start};
  meter.mark(start + 10ms);
  meter.mark(start + 50ms);
  meter.mark(start + 60ms);
  EXPECT_EQ(meter.longest(), 40ms);
  EXPECT_EQ(meter.since_last(start + 65ms), 5ms);
}

TEST(GapMeter, waiting_in_vain_stretches_the_gap_without_ending_it) {
  const TimePoint start{};
  GapMeter meter{start};
  meter.mark(start + 10ms);
  meter.still_waiting(start + 30ms);
  EXPECT_EQ(meter.longest(), 20ms);
  meter.mark(start + 100ms);
  EXPECT_EQ(meter.longest(), 90ms);
}

TEST(GapMeter, marks_out_of_order_do_no_harm) {
  const TimePoint start{};
  GapMeter meter{start};
  meter.mark(start + 20ms);
  meter.mark(start + 19ms);
  EXPECT_EQ(meter.longest(), 20ms);
}

}  // namespace

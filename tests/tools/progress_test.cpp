#include "stress/progress.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace {

using namespace std::chrono_literals;
using stress::ProgressDisplay;
using stress::ProgressSample;
using stress::TimePoint;

ProgressSample half_done() {
  ProgressSample sample;
  sample.unit = "connections";
  sample.done = 50'000;
  sample.total = 100'000;
  sample.faults = 1;
  return sample;
}

TEST(Progress, says_share_rate_and_time_left) {
  EXPECT_EQ(stress::progress_text(half_done(), 2s, false),
            " 50% 50,000 of 100,000 connections, 25,000/s, ETA 2 s, 1 error");
}

TEST(Progress, bar_is_as_long_as_the_share) {
  EXPECT_EQ(stress::progress_text(half_done(), 2s, true).substr(0, 33), "[===============>              ] ");
}

TEST(Progress, a_note_comes_last) {
  ProgressSample sample = half_done();
  sample.note = "3 runs";
  EXPECT_TRUE(stress::progress_text(sample, 2s, false).ends_with(", 1 error, 3 runs"));
}

TEST(Progress, nothing_and_everything_do_no_harm) {
  ProgressSample sample = half_done();
  sample.done = 0;
  EXPECT_EQ(stress::progress_text(sample, 0s, false), "  0% 0 of 100,000 connections, 1 error");
  sample.done = sample.total;
  EXPECT_EQ(stress::progress_text(sample, 4s, false), "100% 100,000 of 100,000 connections, 25,000/s, 1 error");
}

TEST(Progress, terminal_gets_a_live_line_that_is_gone_at_the_end) {
  std::ostringstream out;
  ProgressDisplay display{out, true};
  display.start(TimePoint{});
  display.show(half_done(), TimePoint{} + 100ms);
  EXPECT_EQ(out.str().find('\n'), std::string::npos);
  display.finish();
  EXPECT_TRUE(out.str().ends_with("\r\x1b[K"));
}

TEST(Progress, elsewhere_a_line_every_five_seconds) {
  std::ostringstream out;
  ProgressDisplay display{out, false};
  display.start(TimePoint{});
  for (auto now = TimePoint{}; now <= TimePoint{} + 11s; now += 100ms) display.show(half_done(), now);
  display.finish();
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

}  // namespace

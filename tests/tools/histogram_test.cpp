#include "stress/histogram.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace {

using stress::Histogram;

TEST(Histogram, empty_has_nothing) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.value_at(0.5), 0U);
  EXPECT_EQ(histogram.maximum(), 0U);
}

TEST(Histogram, small_values_are_exact) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 200; ++value) histogram.record(value);
  EXPECT_EQ(histogram.value_at(0), 1U);
  EXPECT_EQ(histogram.value_at(0.5), 100U);
  EXPECT_EQ(histogram.value_at(0.99), 198U);
  EXPECT_EQ(histogram.value_at(1), 200U);
}

TEST(Histogram, value_is_never_too_low_and_at_most_one_in_128_too_high) {
  for (std::uint64_t value = 1; value < std::uint64_t{1} << 62; value += 1 + value / 3) {
    for (const std::uint64_t near : {value - 1, value, value + 1}) {
      Histogram histogram;
      histogram.record(near);
      histogram.record(std::numeric_limits<std::uint64_t>::max());  // so that the maximum does not cap it
      const std::uint64_t reported = histogram.value_at(0.5);
      EXPECT_GE(reported, near);
      EXPECT_LE(reported - near, near / 128);
    }
  }
}

TEST(Histogram, maximum_is_exact_and_caps_the_percentiles) {
  Histogram histogram;
  histogram.record(1'000'003);
  EXPECT_EQ(histogram.maximum(), 1'000'003U);
  EXPECT_EQ(histogram.value_at(0.9999), 1'000'003U);
}

TEST(Histogram, largest_value_has_a_bucket) {
  Histogram histogram;
  histogram.record(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(histogram.value_at(1), std::numeric_limits<std::uint64_t>::max());
}

TEST(Histogram, one_outlier_in_ten_thousand_shows_above_the_percentile_only) {
  Histogram histogram;
  for (int i = 0; i < 9'999; ++i) histogram.record(100);
  histogram.record(50'000);
  EXPECT_EQ(histogram.value_at(0.9999), 100U);
  EXPECT_EQ(histogram.value_at(1), 50'000U);
}

TEST(Histogram, merged_is_as_if_recorded_in_one) {
  Histogram one;
  Histogram other;
  for (std::uint64_t value = 0; value < 100; ++value) (value % 2 == 0 ? one : other).record(value);
  one.merge(other);
  EXPECT_EQ(one.count(), 100U);
  EXPECT_EQ(one.value_at(0.5), 49U);
  EXPECT_EQ(one.maximum(), 99U);
}

TEST(Histogram, counts_what_is_not_above_a_value) {
  Histogram histogram;
  EXPECT_EQ(histogram.count_to(0), 0U);
  for (const std::uint64_t value : {3U, 100U, 100U, 1'000'000U}) histogram.record(value);
  EXPECT_EQ(histogram.count_to(2), 0U);
  EXPECT_EQ(histogram.count_to(3), 1U);
  EXPECT_EQ(histogram.count_to(100), 3U);
  EXPECT_EQ(histogram.count_to(990'000), 3U);
  EXPECT_EQ(histogram.count_to(1'000'000), 4U) << "also within the highest value's bucket";
}

}  // namespace

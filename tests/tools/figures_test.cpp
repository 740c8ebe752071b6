#include "program/figures.hpp"

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;

TEST(Figures, numbers_with_commas) {
  EXPECT_EQ(program::with_commas(0), "0");
  EXPECT_EQ(program::with_commas(999), "999");
  EXPECT_EQ(program::with_commas(1000), "1,000");
  EXPECT_EQ(program::with_commas(1234567), "1,234,567");
}

TEST(Figures, durations_have_three_figures) {
  EXPECT_EQ(program::duration_text(1234us), "1.23 ms");
  EXPECT_EQ(program::duration_text(45600us), "45.6 ms");
  EXPECT_EQ(program::duration_text(789us), "789 us");
  EXPECT_EQ(program::duration_text(12300ms), "12.3 s");
}

TEST(Figures, bytes_in_decimal_units) {
  EXPECT_EQ(program::bytes_text(64), "64 B");
  EXPECT_EQ(program::bytes_text(3210000), "3.21 MB");
  EXPECT_EQ(program::bytes_text(1.5e9), "1.50 GB");
}

TEST(Figures, one_is_singular) {
  EXPECT_EQ(program::plural(1, "shard"), "1 shard");
  EXPECT_EQ(program::plural(0, "shard"), "0 shards");
  EXPECT_EQ(program::plural(2000, "shard"), "2,000 shards");
}

}  // namespace

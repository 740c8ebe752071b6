#include "program/quantity.hpp"

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using program::parse_count;
using program::parse_duration;
using program::parse_size;

TEST(Quantity, durations_with_every_unit) {
  EXPECT_EQ(parse_duration("10s"), 10s);
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("2m"), 2min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("100us"), 100us);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("0"), 0s);
}

TEST(Quantity, durations_that_are_none) {
  for (const char* text :
       {"", "s", "10", "10 s", "-1s", "+1s", "1sec", "10s ", "inf", "nan", "1e3s", "0x1s", "1..5s", "1e99h"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Quantity, sizes_are_in_powers_of_1024) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("65536"), 65536U);
  EXPECT_EQ(parse_size("64k"), 65536U);
  EXPECT_EQ(parse_size("64K"), 65536U);
  EXPECT_EQ(parse_size("1M"), 1048576U);
  EXPECT_EQ(parse_size("2G"), std::uint64_t{2} << 30);
  EXPECT_EQ(parse_size("0.5k"), 512U);
  EXPECT_EQ(parse_size("64KiB"), 65536U);
  EXPECT_EQ(parse_size("64kB"), 65536U);
  EXPECT_EQ(parse_size("7B"), 7U);
}

TEST(Quantity, counts_are_in_powers_of_1000) {
  EXPECT_EQ(parse_count("100000"), 100'000U);
  EXPECT_EQ(parse_count("100k"), 100'000U);
  EXPECT_EQ(parse_count("1M"), 1'000'000U);
  EXPECT_EQ(parse_count("1.5k"), 1'500U);
}

TEST(Quantity, sizes_and_counts_that_are_none) {
  for (const char* text : {"", "k", "-1", "1.5", "1T", "1 k", "inf", "99999999999999999999", "kk", "iB"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
    EXPECT_EQ(parse_count(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_count("64KiB"), std::nullopt);
}

}  // namespace

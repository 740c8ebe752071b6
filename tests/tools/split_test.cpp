#include "stress/split.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace {

TEST(Split, parts_follow_each_other_and_add_up) {
  for (std::uint64_t parts = 1; parts < 9; ++parts) {
    std::uint64_t next = 0;
    for (std::uint64_t index = 0; index < parts; ++index) {
      const stress::Part part = stress::part_of(20, parts, index);
      EXPECT_EQ(part.first, next);
      next += part.size;
    }
    EXPECT_EQ(next, 20U);
  }
}

TEST(Split, share_is_exact_and_spread) {
  int half = 0;
  int none = 0;
  int all = 0;
  for (std::uint64_t index = 0; index < 1000; ++index) {
    half += stress::in_share(index, 0.5);
    none += stress::in_share(index, 0);
    all += stress::in_share(index, 1);
    if (index % 2 == 1) {
      EXPECT_EQ(half * 2, static_cast<int>(index) + 1);
    }
  }
  EXPECT_EQ(half, 500);
  EXPECT_EQ(none, 0);
  EXPECT_EQ(all, 1000);
}

TEST(Split, sizes_repeat_with_the_seed_and_reach_from_small_to_large) {
  std::uint64_t one = 1;
  std::uint64_t same = 1;
  std::size_t smallest = 65536;
  std::size_t largest = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::size_t size = stress::next_split(one);
    EXPECT_EQ(size, stress::next_split(same));
    smallest = std::min(smallest, size);
    largest = std::max(largest, size);
  }
  EXPECT_EQ(smallest, 1U);
  EXPECT_GT(largest, 32768U);
  EXPECT_LE(largest, 65536U);
}

}  // namespace

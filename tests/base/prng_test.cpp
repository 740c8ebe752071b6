#include "base/prng.hpp"

#include <gtest/gtest.h>

#include <array>

namespace iocpp {
namespace {

TEST(Prng, gives_the_published_numbers_of_splitmix64) {
  Prng zero{0};
  for (const std::uint64_t expected :
       {0xe220a8397b1dcdafU, 0x6e789e6aa1b965f4U, 0x06c45d188009454fU, 0xf88bb8a8724c81ecU}) {
    EXPECT_EQ(zero.next(), expected);
  }
  Prng seeded{1234567};
  for (const std::uint64_t expected : {6457827717110365317U, 3203168211198807973U, 9817491932198370423U}) {
    EXPECT_EQ(seeded.next(), expected);
  }
}

TEST(Prng, is_known_at_compile_time) {
  static_assert(Prng{0}.next() == 0xe220a8397b1dcdafU);
  static_assert(Prng{0}.below(1) == 0);
}

TEST(Prng, below_stays_below_and_reaches_every_number) {
  Prng prng{7};
  std::array<unsigned, 10> hits{};
  for (int draw = 0; draw < 1000; ++draw) {
    const std::uint64_t number = prng.below(hits.size());
    ASSERT_LT(number, hits.size());
    ++hits[number];
  }
  for (const unsigned count : hits) EXPECT_GT(count, 50U);
}

}  // namespace
}  // namespace iocpp

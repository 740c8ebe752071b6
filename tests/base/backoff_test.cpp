#include "base/backoff.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace iocpp {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST(Backoff, doubles_from_a_millisecond_to_a_second_less_a_quarter_at_most) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Backoff backoff{seed};
    nanoseconds full = milliseconds{1};
    for (int failure = 0; failure < 15; ++failure) {
      const nanoseconds wait = backoff.next();
      EXPECT_LE(wait, full) << "seed " << seed << ", failure " << failure;
      EXPECT_GE(wait, full - full / 4) << "seed " << seed << ", failure " << failure;
      full = std::min<nanoseconds>(2 * full, milliseconds{1000});
    }
  }
}

TEST(Backoff, starts_again_after_a_success) {
  Backoff backoff{3};
  for (int failure = 0; failure < 20; ++failure) static_cast<void>(backoff.next());
  EXPECT_GE(backoff.next(), milliseconds{750});
  backoff.reset();
  EXPECT_LE(backoff.next(), milliseconds{1});
  EXPECT_GT(backoff.next(), milliseconds{1});
}

TEST(Backoff, those_who_fail_together_come_back_apart) {
  std::set<nanoseconds> waits;
  for (std::uint64_t seed = 0; seed < 100; ++seed) waits.insert(Backoff{seed}.next());
  EXPECT_GE(waits.size(), 99U);
}

TEST(Backoff, the_jitter_uses_the_whole_quarter) {
  Backoff backoff{11};
  for (int failure = 0; failure < 10; ++failure) static_cast<void>(backoff.next());
  nanoseconds shortest = Backoff::longest;
  nanoseconds longest = nanoseconds{0};
  for (int failure = 0; failure < 500; ++failure) {
    const nanoseconds wait = backoff.next();
    shortest = std::min(shortest, wait);
    longest = std::max(longest, wait);
  }
  EXPECT_LT(shortest, milliseconds{770});
  EXPECT_GT(longest, milliseconds{980});
}

TEST(Backoff, the_same_seed_waits_the_same) {
  Backoff one{42};
  Backoff other{42};
  for (int failure = 0; failure < 30; ++failure) EXPECT_EQ(one.next(), other.next());
}

}  // namespace
}  // namespace iocpp

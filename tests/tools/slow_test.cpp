#include "stress/slow.hpp"

#include <gtest/gtest.h>

#include "small_server.hpp"

namespace {

using namespace std::chrono_literals;
using stress::SlowOptions;
using stress::SlowResult;

SlowOptions slow_to(const stress::SocketAddress& target) {
  SlowOptions options;
  options.target = target;
  options.connections = 6;
  options.duration = 60ms;
  return options;
}

TEST(Slow, half_read_and_half_send_and_all_are_still_connected_where_nobody_ends_them) {
  SmallServer server;
  const SlowResult result = stress::run_slow(slow_to(server.address()));
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(result.readers.established, 3U);
  EXPECT_EQ(result.senders.established, 3U);
  EXPECT_EQ(result.still_connected(), 6U);
  EXPECT_EQ(result.readers.last_end, stress::Duration{0});
}

TEST(Slow, rate_is_not_passed) {
  SmallServer server;
  SlowOptions options = slow_to(server.address());
  options.reader_share = 0;
  options.rate = 100;
  const SlowResult result = stress::run_slow(options);
  EXPECT_GE(result.senders.bytes, 6U) << "a byte at once";
  EXPECT_LE(result.senders.bytes, 6U * (1 + 100 * std::chrono::ceil<std::chrono::seconds>(result.duration).count()));
}

TEST(Slow, ends_by_the_server_are_counted_by_kind_and_end_the_run) {
  Behaviour behaviour;
  behaviour.end_after = 1;
  SmallServer server{behaviour};
  SlowOptions options = slow_to(server.address());
  options.duration = 20s;
  options.reader_share = 0;
  const SlowResult result = stress::run_slow(options);
  EXPECT_EQ(result.still_connected(), 0U);
  EXPECT_EQ(result.senders.ended_in_order + result.senders.reset, 6U);
  EXPECT_GT(result.senders.first_end, stress::Duration{0});
  EXPECT_GE(result.senders.last_end, result.senders.first_end);
}

}  // namespace

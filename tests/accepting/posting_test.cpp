// What only a kernel that holds the accepts itself can do to the accept chain (io_uring): an error that leaves the
// accept in flight, and no room to post one.
#include <gtest/gtest.h>

#include "accepting/shard.hpp"

namespace iocpp::tests {
namespace {

using Kind = AcceptFault::Kind;

TEST(AcceptChain, an_error_that_does_not_end_the_multishot_posts_no_second_one) {
  // turboAPI#144: armed again on every error although MORE was set, so that two were in flight.
  AcceptScript script;
  script.faults.push_back({Kind::error_with_more, linux_errno::connaborted});
  FaultyShard shard{script};
  shard.expect_served();
  EXPECT_EQ(script.posted.size(), 1U);
  EXPECT_EQ(shard.acceptor().accepts_in_flight(), 1U);
}

TEST(AcceptChain, a_poll_of_the_listener_that_can_not_be_had_does_not_spin) {
  AcceptScript script;
  script.forever = linux_errno::mfile;
  script.poll_errors = 100'000;
  FaultyShard shard{script};
  const auto begin = script.skipped;
  ASSERT_TRUE(shard.until([&] { return script.skipped - begin > std::chrono::seconds{20}; }));
  EXPECT_LE(script.most_turns_at_one_instant, 20U);
  script.poll_errors = 0;
  Peer client{shard.port()};
  ASSERT_TRUE(shard.until([&] { return shard.counters().shed.get() == 1; }));
  EXPECT_EQ(client.end(), 0);
  script.forever = 0;
  ASSERT_TRUE(shard.until_script_is_over());
  shard.expect_served();
}

TEST(AcceptChain, no_room_to_post_is_tried_again) {
  // libuv: one failed post cleared "listening", deaf for good.
  for (const std::size_t times : {1U, 10U, 40U}) {
    AcceptScript script;
    for (std::size_t count = 0; count < times; ++count) {
      script.faults.push_back({Kind::refused});
      script.faults.push_back({Kind::refused});  // the port tries twice, with a submit between
    }
    // The constructor's own check would fail while there is no room: the invariant holds again with the first turn that
    // has some.
    script.faults.pop_front();
    script.faults.push_front({Kind::error, linux_errno::connaborted});
    FaultyShard shard{script};
    ASSERT_TRUE(shard.until_script_is_over());
    shard.expect_served();
  }
}

}  // namespace
}  // namespace iocpp::tests

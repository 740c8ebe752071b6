// The acceptor within limits that pause: nothing that makes room is missed, in whatever order limits fill and empty.
#include <gtest/gtest.h>

#include "base/prng.hpp"
#include "core/accept_chain.hpp"

namespace iocpp::core {
namespace {

using Mode = Acceptor::Mode;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Acceptor::Config pool_of_4{.multishot = false, .singles = 4};

Room full_of_connections() {
  return {.accepts = 0, .full = Room::Full::connections};
}

TEST(AcceptorPause, posts_no_more_than_there_is_room_for) {
  AcceptChain chain{pool_of_4};
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 4U);
  chain.acceptor.keep_within({.accepts = 2});
  chain.complete(0);
  chain.complete(0);
  chain.complete(0);
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 2U) << "those that were in flight are too many; then it keeps to it";
}

TEST(AcceptorPause, waits_for_a_connection_to_end_without_a_timer) {
  AcceptChain chain{pool_of_4};
  chain.acceptor.keep_within(full_of_connections());
  EXPECT_EQ(chain.mode(), Mode::paused);
  EXPECT_TRUE(chain.acceptor.waits_for_place());
  EXPECT_TRUE(chain.acceptor.healthy());
  EXPECT_FALSE(chain.acceptor.armed());
  for (int client = 0; client < 4; ++client) chain.complete(0);
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 0U);
  chain.acceptor.keep_within({.accepts = 1});
  chain.post();
  EXPECT_EQ(chain.mode(), Mode::accepting);
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 1U);
}

TEST(AcceptorPause, waits_for_a_rate_with_a_timer) {
  AcceptChain chain{pool_of_4};
  for (int client = 0; client < 3; ++client) chain.complete(0);
  chain.acceptor.keep_within({.accepts = 0, .full = Room::Full::rate, .until = chain.now + milliseconds{50}});
  EXPECT_EQ(chain.mode(), Mode::paused);
  EXPECT_FALSE(chain.acceptor.waits_for_place());
  EXPECT_LE(chain.wait(), milliseconds{52});
  chain.pass(milliseconds{52});
  EXPECT_EQ(chain.mode(), Mode::accepting);
}

/// haproxy#2476: with both limits full, the wake of one was forgotten for the other.
TEST(AcceptorPause, both_limits_full_are_left_in_either_order) {
  AcceptChain chain{pool_of_4};
  const Room paced{.accepts = 0, .full = Room::Full::rate, .until = chain.now + seconds{1}};
  chain.acceptor.keep_within(paced);
  chain.acceptor.keep_within(full_of_connections());
  EXPECT_FALSE(chain.acceptor.armed());
  chain.acceptor.keep_within(paced);  // a connection has ended while the rate is empty
  EXPECT_TRUE(chain.acceptor.armed()) << "nothing would wake it";
  EXPECT_TRUE(chain.acceptor.healthy());
  chain.acceptor.keep_within(full_of_connections());
  EXPECT_TRUE(chain.acceptor.waits_for_place());
  chain.acceptor.keep_within({.accepts = 4});
  EXPECT_EQ(chain.mode(), Mode::accepting);
}

TEST(AcceptorPause, failures_of_what_was_in_flight_are_handled_as_ever) {
  for (const int error : {emfile, enobufs, ebadf}) {
    AcceptChain chain{pool_of_4};
    chain.room = full_of_connections();
    chain.complete(error);
    EXPECT_NE(chain.mode(), Mode::paused);
    EXPECT_TRUE(chain.acceptor.armed());
    chain.pass(seconds{2});
    EXPECT_EQ(chain.mode(), Mode::paused);
    chain.room = Room{.accepts = 4};
    chain.post();
    EXPECT_EQ(chain.acceptor.accepts_in_flight(), 4U);
  }
}

TEST(AcceptorPause, a_freed_handle_does_not_end_it_for_good) {
  AcceptChain chain{pool_of_4};
  chain.complete(emfile);
  ASSERT_TRUE(chain.until_accepting(seconds{2}));
  const Room paced{.accepts = 0, .full = Room::Full::rate, .until = chain.now + seconds{1}};
  chain.acceptor.keep_within(paced);
  chain.acceptor.on_handle_freed();
  chain.acceptor.keep_within(paced);
  EXPECT_EQ(chain.mode(), Mode::paused);
  EXPECT_TRUE(chain.acceptor.armed());
}

TEST(AcceptorPause, closing_ends_it) {
  AcceptChain chain{pool_of_4};
  chain.acceptor.keep_within({.accepts = 0, .full = Room::Full::rate, .until = chain.now + seconds{1}});
  chain.acceptor.begin_close();
  EXPECT_EQ(chain.mode(), Mode::closing);
  EXPECT_FALSE(chain.acceptor.armed());
  chain.acceptor.keep_within({.accepts = 4});
  EXPECT_EQ(chain.mode(), Mode::closing);
}

/// Limits fill and empty, accepts fail and succeed, timers expire: with room it accepts, and it always has what wakes
/// it.
TEST(AcceptorPause, random_rooms_and_outcomes_never_freeze_it) {
  Prng prng{5};
  AcceptChain chain{pool_of_4};
  constexpr std::array errors{0, 0, 0, econnaborted, enobufs, emfile, ebadf, unknown_code};
  for (int step = 0; step < 20'000; ++step) {
    const auto accepts = static_cast<unsigned>(prng.below(4));
    Room room{.accepts = accepts};
    if (accepts == 0) room.full = prng.below(2) == 0 ? Room::Full::connections : Room::Full::rate;
    room.until = chain.now + milliseconds{prng.below(40)};
    chain.acceptor.keep_within(room);
    chain.post();
    ASSERT_TRUE(chain.acceptor.healthy());
    if (chain.acceptor.accepts_in_flight() != 0 && prng.below(2) == 0) {
      const AcceptOutcome outcome = chain.acceptor.on_accept(errors[prng.below(errors.size())], false, chain.now);
      static_cast<void>(outcome);
    }
    chain.now += milliseconds{prng.below(30)};
    chain.timers.expire(chain.now, [&](Timer&) {
      if (!chain.acceptor.on_timer()) return;
      chain.acceptor.closed();
      chain.acceptor.open();
    });
    if (prng.below(8) == 0) chain.acceptor.on_handle_freed();
    chain.posted_without_progress = 0;
  }
  ASSERT_TRUE(chain.until_accepting(seconds{2}) || chain.mode() == Mode::paused || chain.mode() == Mode::shedding);
  chain.acceptor.keep_within({.accepts = 4});
  chain.pass(seconds{2});
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 4U);
}

}  // namespace
}  // namespace iocpp::core

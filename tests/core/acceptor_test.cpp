// The acceptor's modes, one transition at a time.
#include "core/acceptor.hpp"

#include <gtest/gtest.h>

#include "core/accept_chain.hpp"

namespace iocpp::core {
namespace {

using Mode = Acceptor::Mode;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// The timers' step: what a wait may be longer than asked for.
constexpr nanoseconds step{1U << 20};

constexpr Acceptor::Config pool_of_16{.multishot = false, .singles = 16};

TEST(Acceptor, wants_nothing_before_it_is_open) {
  TimerQueue timers;
  const Acceptor acceptor{{}, timers};
  EXPECT_EQ(acceptor.mode(), Mode::closed);
  EXPECT_EQ(acceptor.accepts_wanted(), 0U);
  EXPECT_FALSE(acceptor.poll_wanted());
  EXPECT_TRUE(acceptor.healthy());
}

TEST(Acceptor, an_open_listener_without_an_accept_in_flight_is_not_healthy) {
  TimerQueue timers;
  Acceptor acceptor{{}, timers};
  acceptor.open();
  EXPECT_FALSE(acceptor.healthy());
  acceptor.accept_posted();
  EXPECT_TRUE(acceptor.healthy());
}

TEST(Acceptor, keeps_one_multishot_accept_in_flight) {
  AcceptChain chain;
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 1U);
  for (int client = 0; client < 100; ++client) EXPECT_EQ(chain.complete(0, true), AcceptOutcome::accepted);
  EXPECT_EQ(chain.accepts_posted, 1U);
}

TEST(Acceptor, posts_the_next_multishot_accept_when_one_ends) {
  AcceptChain chain;
  EXPECT_EQ(chain.complete(0, false), AcceptOutcome::accepted);
  EXPECT_EQ(chain.accepts_posted, 2U);
  EXPECT_EQ(chain.complete(econnaborted, false), AcceptOutcome::drop_client);
  EXPECT_EQ(chain.accepts_posted, 3U);
  EXPECT_EQ(chain.mode(), Mode::accepting);
}

TEST(Acceptor, an_error_with_more_to_come_does_not_post_a_second_accept) {
  AcceptChain chain;
  EXPECT_EQ(chain.complete(econnaborted, true), AcceptOutcome::drop_client);
  EXPECT_EQ(chain.accepts_posted, 1U);
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 1U);
}

TEST(Acceptor, keeps_a_pool_of_single_accepts_full) {
  AcceptChain chain{pool_of_16};
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 16U);
  for (int client = 0; client < 100; ++client) {
    chain.complete(client % 3 == 0 ? econnaborted : 0);
    EXPECT_EQ(chain.acceptor.accepts_in_flight(), 16U);
  }
  EXPECT_EQ(chain.accepts_posted, 116U);
}

TEST(Acceptor, a_shortage_waits_a_millisecond_and_then_tries_again) {
  for (const int error : {enobufs, enomem, enfile}) {
    AcceptChain chain;
    EXPECT_EQ(chain.complete(error), AcceptOutcome::retry_later);
    EXPECT_EQ(chain.mode(), Mode::waiting);
    EXPECT_EQ(chain.accepts_posted, 1U);
    EXPECT_FALSE(chain.acceptor.waits_for_handle());
    EXPECT_LE(chain.wait(), milliseconds{1} + step);
    chain.pass(milliseconds{1} + step);
    EXPECT_EQ(chain.mode(), Mode::accepting);
    EXPECT_EQ(chain.accepts_posted, 2U);
  }
}

TEST(Acceptor, repeated_shortages_wait_longer_up_to_a_second_and_a_success_forgets_them) {
  AcceptChain chain;
  nanoseconds full = milliseconds{1};
  for (int failure = 0; failure < 14; ++failure) {
    chain.complete(enobufs);
    EXPECT_GE(chain.wait(), full * 3 / 4) << "after failure " << failure;
    EXPECT_LE(chain.wait(), full + step) << "after failure " << failure;
    chain.pass(chain.wait());
    ASSERT_EQ(chain.mode(), Mode::accepting);
    full = std::min<nanoseconds>(2 * full, seconds{1});
  }
  chain.complete(0);
  chain.complete(enobufs);
  EXPECT_LE(chain.wait(), milliseconds{1} + step);
}

TEST(Acceptor, accepts_of_a_pool_that_fail_together_wait_once) {
  // Each of the sixteen doubled the wait, so that the first shortage of all cost a whole second.
  AcceptChain chain{pool_of_16};
  chain.complete_all(enobufs);
  EXPECT_EQ(chain.mode(), Mode::waiting);
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 0U);
  EXPECT_LE(chain.wait(), milliseconds{1} + step);
  chain.pass(chain.wait());
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 16U);
  chain.complete_all(enobufs);
  EXPECT_LE(chain.wait(), milliseconds{2} + step);
}

TEST(Acceptor, failures_that_arrive_during_a_wait_do_not_put_it_off) {
  // Every late failure armed the timer anew: a pool that fails one by one could push its own retry away for as long as
  // it lasted.
  AcceptChain chain{pool_of_16};
  chain.complete(enobufs);
  const TimePoint retry = chain.now + chain.wait();
  for (int late = 0; late < 14; ++late) {
    chain.complete(late % 2 == 0 ? enobufs : econnaborted);
    EXPECT_EQ(chain.now + chain.wait(), retry);
  }
}

TEST(Acceptor, one_success_in_a_pool_ends_the_wait) {
  AcceptChain chain{pool_of_16};
  chain.complete(enobufs);
  EXPECT_EQ(chain.mode(), Mode::waiting);
  chain.complete(0);
  EXPECT_EQ(chain.mode(), Mode::accepting);
  EXPECT_FALSE(chain.acceptor.armed());
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 16U);
}

TEST(Acceptor, clients_that_leave_are_paced_after_sixteen_in_a_row) {
  AcceptChain chain;
  for (unsigned failure = 1; failure < Acceptor::multishot_failures_before_pause; ++failure) {
    EXPECT_EQ(chain.complete(failure % 2 == 0 ? econnaborted : unknown_code), AcceptOutcome::drop_client);
    ASSERT_EQ(chain.mode(), Mode::accepting) << "after " << failure;
  }
  chain.complete(eproto);
  EXPECT_EQ(chain.mode(), Mode::waiting);
  chain.pass(chain.wait());
  EXPECT_EQ(chain.mode(), Mode::accepting);
  chain.complete(econnaborted);
  EXPECT_EQ(chain.mode(), Mode::waiting) << "still no success: paced each time";
}

TEST(Acceptor, a_flood_of_clients_that_leave_does_not_make_the_others_wait_long) {
  // The wait doubled up to a second: 2,000 clients that reset at once kept a pool of sixteen busy for 90 s.
  AcceptChain chain{{.multishot = false, .singles = 16}};
  nanoseconds waited{0};
  for (int left = 0; left < 2000; left += 16) {
    chain.complete_all(econnaborted);
    ASSERT_EQ(chain.mode(), Mode::waiting);
    waited += chain.wait();
    chain.pass(chain.wait());
  }
  EXPECT_LE(waited, 125 * (Acceptor::drop_pause + step));
}

TEST(Acceptor, a_client_served_in_between_ends_the_count_of_failures) {
  AcceptChain chain;
  for (int failure = 0; failure < 100; ++failure) {
    chain.complete(econnaborted);
    if (failure % 10 == 0) chain.complete(0);
    ASSERT_EQ(chain.mode(), Mode::accepting);
  }
}

TEST(Acceptor, a_pool_paces_clients_that_leave_after_as_many_as_it_has) {
  for (const unsigned singles : {1U, 4U, 16U}) {
    AcceptChain chain{{.multishot = false, .singles = singles}};
    unsigned failures = 0;
    while (chain.mode() == Mode::accepting && failures < 100) {
      chain.complete(econnaborted);
      ++failures;
    }
    EXPECT_EQ(failures, singles);
    EXPECT_EQ(chain.mode(), Mode::waiting);
  }
}

TEST(Acceptor, a_cancel_that_nobody_asked_for_is_paced_like_any_failure) {
  AcceptChain chain;
  for (unsigned failure = 1; failure < Acceptor::multishot_failures_before_pause; ++failure) {
    EXPECT_EQ(chain.complete(ecanceled), AcceptOutcome::cancelled);
    ASSERT_EQ(chain.mode(), Mode::accepting);
  }
  chain.complete(ecanceled);
  EXPECT_EQ(chain.mode(), Mode::waiting);
}

TEST(Acceptor, without_handles_it_polls_the_listener) {
  AcceptChain chain;
  EXPECT_EQ(chain.complete(emfile), AcceptOutcome::no_handles);
  EXPECT_EQ(chain.mode(), Mode::shedding);
  EXPECT_EQ(chain.polls_posted, 1U);
  EXPECT_EQ(chain.accepts_posted, 1U);
  EXPECT_TRUE(chain.acceptor.waits_for_handle());
  EXPECT_TRUE(chain.acceptor.armed()) << "nobody may ever knock, and no handle of ours be freed";
}

TEST(Acceptor, polls_again_after_it_refused_who_knocked) {
  AcceptChain chain;
  chain.complete(emfile);
  for (unsigned round = 1; round < 10; ++round) {
    EXPECT_TRUE(chain.knock());
    chain.acceptor.shed_ended(Acceptor::ShedEnd::nobody_left, chain.now);
    chain.post();
    EXPECT_EQ(chain.mode(), Mode::shedding);
    EXPECT_EQ(chain.polls_posted, round + 1);
  }
}

TEST(Acceptor, refusing_many_clients_pauses_after_each_batch) {
  AcceptChain chain;
  chain.complete(emfile);
  EXPECT_TRUE(chain.knock());
  chain.acceptor.shed_ended(Acceptor::ShedEnd::batch_full, chain.now);
  chain.post();
  EXPECT_EQ(chain.mode(), Mode::waiting);
  EXPECT_EQ(chain.polls_posted, 1U);
  EXPECT_GE(chain.wait(), Acceptor::shed_pause);
  EXPECT_LE(chain.wait(), Acceptor::shed_pause + step);
  EXPECT_TRUE(chain.acceptor.waits_for_handle());
  chain.pass(chain.wait());
  EXPECT_EQ(chain.mode(), Mode::accepting);
}

TEST(Acceptor, when_refusing_fails_it_waits) {
  AcceptChain chain;
  chain.complete(emfile);
  EXPECT_TRUE(chain.knock());
  chain.acceptor.shed_ended(Acceptor::ShedEnd::failed, chain.now);
  chain.post();
  EXPECT_EQ(chain.mode(), Mode::waiting);
  EXPECT_EQ(chain.polls_posted, 1U);
  EXPECT_GE(chain.wait(), milliseconds{1}) << "the second wait of the episode";
  EXPECT_TRUE(chain.acceptor.waits_for_handle());
}

TEST(Acceptor, a_freed_handle_brings_accepting_back_at_once) {
  AcceptChain chain;
  chain.complete(emfile);
  chain.free_handle();
  EXPECT_EQ(chain.mode(), Mode::accepting);
  EXPECT_FALSE(chain.acceptor.armed());
  EXPECT_EQ(chain.accepts_posted, 2U);
}

TEST(Acceptor, a_handle_freed_during_an_attempt_is_not_missed) {
  // The attempt may have failed before the handle was freed, and its failure be known only later: waiting up to 1 s then
  // would leave a free handle unused.
  AcceptChain chain;
  chain.complete(emfile);
  chain.pass(chain.wait());
  ASSERT_EQ(chain.mode(), Mode::accepting);
  EXPECT_TRUE(chain.acceptor.waits_for_handle());
  chain.free_handle();
  EXPECT_EQ(chain.accepts_posted, 2U);
  chain.complete(emfile);
  EXPECT_EQ(chain.mode(), Mode::accepting);
  EXPECT_EQ(chain.accepts_posted, 3U);
  chain.complete(emfile);
  EXPECT_EQ(chain.mode(), Mode::shedding) << "one freed handle is one attempt";
}

TEST(Acceptor, a_success_ends_the_wait_for_a_handle) {
  AcceptChain chain;
  chain.complete(emfile);
  chain.pass(chain.wait());
  chain.free_handle();
  chain.complete(0, true);
  EXPECT_FALSE(chain.acceptor.waits_for_handle());
  chain.complete(emfile);
  EXPECT_EQ(chain.mode(), Mode::shedding) << "the handle that was freed has been used";
}

TEST(Acceptor, a_freed_handle_ends_each_wait_that_is_for_one) {
  for (const Acceptor::ShedEnd end : {Acceptor::ShedEnd::batch_full, Acceptor::ShedEnd::failed}) {
    AcceptChain chain;
    chain.complete(emfile);
    EXPECT_TRUE(chain.knock());
    chain.acceptor.shed_ended(end, chain.now);
    chain.post();
    chain.free_handle();
    EXPECT_EQ(chain.mode(), Mode::accepting);
  }
}

TEST(Acceptor, a_freed_handle_does_not_shorten_other_waits) {
  AcceptChain chain;
  chain.complete(enobufs);
  chain.free_handle();
  EXPECT_EQ(chain.mode(), Mode::waiting);
  chain.pass(chain.wait());
  chain.complete(ebadf);
  chain.free_handle();
  EXPECT_EQ(chain.mode(), Mode::rebuilding);
}

TEST(Acceptor, a_wait_for_buffers_is_no_wait_for_a_handle_even_after_an_earlier_one_was) {
  AcceptChain chain;
  chain.complete(emfile);
  chain.pass(chain.wait());
  ASSERT_EQ(chain.mode(), Mode::accepting);
  chain.complete(enobufs);
  EXPECT_FALSE(chain.acceptor.waits_for_handle());
}

TEST(Acceptor, a_client_that_leaves_during_shedding_does_not_end_the_wait_for_a_handle) {
  // The late failure of another accept of the pool made it forget that a freed handle was what it waited for.
  for (const int late : {econnaborted, enobufs, ecanceled}) {
    AcceptChain chain{pool_of_16};
    chain.complete(emfile);
    chain.complete(late);
    EXPECT_EQ(chain.mode(), Mode::shedding);
    EXPECT_TRUE(chain.acceptor.waits_for_handle());
    for (int more = 0; more < 14; ++more) chain.complete(late);
    EXPECT_EQ(chain.mode(), Mode::shedding);
    chain.free_handle();
    EXPECT_EQ(chain.mode(), Mode::accepting);
    EXPECT_EQ(chain.acceptor.accepts_in_flight(), 16U);
  }
}

TEST(Acceptor, without_handles_it_also_tries_again_by_itself) {
  AcceptChain chain;
  nanoseconds waited{0};
  for (int attempt = 0; attempt < 12; ++attempt) {
    chain.complete(emfile);
    waited = chain.wait();
    EXPECT_LE(waited, seconds{1} + step);
    chain.pass(waited);
    ASSERT_EQ(chain.mode(), Mode::accepting);
  }
  EXPECT_GE(waited, milliseconds{750});
}

TEST(Acceptor, a_knock_after_accepting_came_back_refuses_nobody) {
  AcceptChain chain;
  chain.complete(emfile);
  chain.free_handle();
  EXPECT_EQ(chain.acceptor.in_flight(), 2U) << "an accept, and the poll of before";
  EXPECT_FALSE(chain.knock());
  EXPECT_EQ(chain.acceptor.in_flight(), 1U);
}

TEST(Acceptor, shedding_again_uses_the_poll_that_is_still_in_flight) {
  AcceptChain chain;
  chain.complete(emfile);
  chain.free_handle();
  chain.complete(emfile);
  EXPECT_EQ(chain.mode(), Mode::shedding);
  EXPECT_EQ(chain.polls_posted, 1U);
  EXPECT_TRUE(chain.knock());
}

TEST(Acceptor, einval_before_multishot_ever_worked_means_a_pool_of_single_accepts) {
  AcceptChain chain;
  EXPECT_EQ(chain.complete(einval), AcceptOutcome::multishot_refused);
  EXPECT_FALSE(chain.acceptor.multishot());
  EXPECT_EQ(chain.mode(), Mode::accepting);
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 16U);
  chain.complete(0);
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 16U);
}

TEST(Acceptor, einval_from_single_accepts_is_a_listener_that_does_not_listen) {
  AcceptChain chain;
  chain.complete(einval);
  EXPECT_EQ(chain.complete(einval), AcceptOutcome::listener_lost);
  EXPECT_EQ(chain.mode(), Mode::rebuilding);
}

TEST(Acceptor, einval_after_multishot_worked_is_a_lost_listener) {
  AcceptChain chain;
  chain.complete(0, true);
  EXPECT_EQ(chain.complete(einval), AcceptOutcome::listener_lost);
  EXPECT_TRUE(chain.acceptor.multishot());
  EXPECT_EQ(chain.mode(), Mode::rebuilding);
}

TEST(Acceptor, einval_of_the_other_system_is_no_refusal_of_multishot) {
  AcceptChain chain{{.platform = Platform::windows_os, .multishot = false}};
  EXPECT_EQ(chain.complete(einval), AcceptOutcome::drop_client);
  EXPECT_EQ(chain.complete(10022), AcceptOutcome::listener_lost);
}

TEST(Acceptor, a_lost_listener_is_made_anew_paced) {
  AcceptChain chain;
  EXPECT_EQ(chain.complete(ebadf), AcceptOutcome::listener_lost);
  EXPECT_EQ(chain.mode(), Mode::rebuilding);
  EXPECT_EQ(chain.rebuilds, 0U) << "not in the turn of the error";
  chain.pass(chain.wait());
  EXPECT_EQ(chain.rebuilds, 1U);
  EXPECT_EQ(chain.mode(), Mode::accepting);
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 1U);
}

TEST(Acceptor, rebuilding_that_fails_is_tried_again_at_growing_intervals) {
  AcceptChain chain;
  chain.rebuilding_works = false;
  chain.complete(ebadf);
  chain.pass(seconds{60});
  EXPECT_EQ(chain.mode(), Mode::rebuilding);
  EXPECT_GE(chain.rebuilds, 59U) << "at least once a second";
  EXPECT_LE(chain.rebuilds, 90U);
  chain.rebuilding_works = true;
  EXPECT_TRUE(chain.until_accepting(milliseconds{1100}).has_value());
}

TEST(Acceptor, what_was_in_flight_on_a_lost_listener_changes_nothing) {
  AcceptChain chain{pool_of_16};
  chain.complete(ebadf);
  const TimePoint retry = chain.now + chain.wait();
  for (const int error : {ebadf, ecanceled, enobufs, emfile, 0, econnaborted}) {
    chain.complete(error);
    EXPECT_EQ(chain.mode(), Mode::rebuilding);
    EXPECT_EQ(chain.now + chain.wait(), retry);
  }
  chain.pass(chain.wait());
  EXPECT_EQ(chain.mode(), Mode::accepting);
  EXPECT_EQ(chain.acceptor.accepts_in_flight(), 16U);
}

TEST(Acceptor, a_listener_may_be_lost_while_it_waits_or_sheds) {
  for (const int before : {enobufs, emfile}) {
    AcceptChain chain{pool_of_16};
    chain.complete(before);
    EXPECT_EQ(chain.complete(ebadf), AcceptOutcome::listener_lost);
    EXPECT_EQ(chain.mode(), Mode::rebuilding);
    EXPECT_TRUE(chain.until_accepting(milliseconds{1100}).has_value());
    EXPECT_EQ(chain.rebuilds, 1U);
  }
}

/// A chain that was brought into each of its modes, to be closed there.
void bring_into(AcceptChain& chain, Mode mode) {
  if (mode == Mode::waiting) chain.complete(enobufs);
  if (mode == Mode::shedding) chain.complete(emfile);
  if (mode == Mode::rebuilding) chain.complete(ebadf);
  ASSERT_EQ(chain.mode(), mode);
}

TEST(Acceptor, closing_in_any_mode_cancels_what_is_in_flight_and_posts_nothing) {
  for (const Mode mode : {Mode::accepting, Mode::waiting, Mode::shedding, Mode::rebuilding}) {
    for (const bool multishot : {true, false}) {
      AcceptChain chain{{.multishot = multishot}};
      bring_into(chain, mode);
      chain.acceptor.begin_close();
      EXPECT_EQ(chain.mode(), Mode::closing);
      EXPECT_FALSE(chain.acceptor.armed());
      EXPECT_EQ(chain.acceptor.accepts_wanted(), 0U);
      EXPECT_FALSE(chain.acceptor.poll_wanted());
      EXPECT_TRUE(chain.acceptor.healthy());
      while (chain.acceptor.accepts_in_flight() != 0) chain.complete(ecanceled);
      if (chain.acceptor.in_flight() != 0) {
        EXPECT_FALSE(chain.knock());
      }
      EXPECT_EQ(chain.acceptor.in_flight(), 0U);
      chain.acceptor.closed();
      EXPECT_EQ(chain.mode(), Mode::closed);
      EXPECT_EQ(chain.acceptor.accepts_wanted(), 0U);
    }
  }
}

TEST(Acceptor, outcomes_during_closing_change_nothing) {
  for (const int error : {0, econnaborted, enobufs, emfile, ebadf, einval, ecanceled, unknown_code}) {
    AcceptChain chain{pool_of_16};
    chain.acceptor.begin_close();
    chain.complete(error);
    EXPECT_EQ(chain.mode(), Mode::closing) << "after " << error;
    EXPECT_FALSE(chain.acceptor.armed());
    EXPECT_EQ(chain.acceptor.accepts_in_flight(), 15U);
    chain.free_handle();
    EXPECT_EQ(chain.mode(), Mode::closing);
  }
}

TEST(Acceptor, an_accept_that_wins_against_its_cancel_is_still_reported_as_a_client) {
  AcceptChain chain;
  chain.acceptor.begin_close();
  EXPECT_EQ(chain.complete(0), AcceptOutcome::accepted);
  EXPECT_EQ(chain.mode(), Mode::closing);
}

TEST(Acceptor, closing_a_closed_listener_leaves_it_closed) {
  TimerQueue timers;
  Acceptor acceptor{{}, timers};
  acceptor.begin_close();
  EXPECT_EQ(acceptor.mode(), Mode::closed);
}

}  // namespace
}  // namespace iocpp::core

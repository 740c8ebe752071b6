// Deadlines of connections: each ends who violates it, in its time, and nobody else.
#include <gtest/gtest.h>

#include <string>

#include "core/recorder.hpp"
#include "core/shard.hpp"
#include "iocpp/error.hpp"

namespace iocpp::core {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// What a deadline may be late: two ticks, and the turn after it in which it is confirmed.
constexpr milliseconds slack{6};

class Deadline : public testing::Test {
 protected:
  explicit Deadline(const Deadlines& deadlines = {.idle = seconds{10}}) : shard_{handler_, {.deadlines = deadlines}} {}

  void expect_end_after(std::chrono::nanoseconds span, DisconnectReason reason) {
    shard_.pass(span - milliseconds{1});
    EXPECT_TRUE(connection_.is_open()) << "ended early";
    shard_.pass(milliseconds{1} + slack);
    EXPECT_FALSE(connection_.is_open()) << "not ended in time";
    shard_.run_out();
    ASSERT_TRUE(handler_.ended(connection_));
    EXPECT_EQ(handler_.end(connection_).reason, reason);
    EXPECT_EQ(handler_.end(connection_).error, errc::timed_out);
    EXPECT_TRUE(wire_.reset);
  }
  void expect_no_end_in(std::chrono::nanoseconds span) {
    shard_.pass(span);
    EXPECT_TRUE(connection_.is_open());
  }

  Recorder handler_;
  Shard shard_;
  Connection connection_ = shard_.connect();
  Wire& wire_ = shard_.wire(connection_);
};

using Idle = Deadline;

TEST_F(Idle, ends_a_silent_connection_and_awaits_nothing) {
  expect_end_after(seconds{10}, DisconnectReason::idle_timeout);
  EXPECT_FALSE(wire_.stream_ended);
}

class LongIdle : public Deadline {
 protected:
  LongIdle() : Deadline({.idle = std::chrono::hours{12}}) {}
};

// The marks of what was received and sent had 32 bits: after 26 days one of them was in the future.
TEST_F(LongIdle, ends_a_connection_that_has_only_been_sent_to_for_a_month) {
  for (int quarter = 0; quarter < 4 * 31; ++quarter) {
    shard_.pass(std::chrono::hours{6});
    connection_.send("y");
    shard_.turn();
    shard_.sent_all(connection_);
  }
  expect_end_after(std::chrono::hours{12}, DisconnectReason::idle_timeout);
}

TEST_F(Idle, counts_from_the_last_byte_received_or_sent) {
  for (int round = 0; round < 5; ++round) {
    shard_.pass(seconds{9});
    shard_.arrives(connection_, "x");
    shard_.pass(seconds{9});
    connection_.send("y");
    shard_.turn();
    shard_.sent_all(connection_);
  }
  expect_end_after(seconds{10}, DisconnectReason::idle_timeout);
}

TEST_F(Idle, tells_of_bytes_that_were_queued) {
  connection_.send("never read");
  shard_.turn();
  expect_end_after(seconds{10}, DisconnectReason::idle_timeout);
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 10U);
}

TEST_F(Idle, counts_from_the_end_of_a_slow_turn) {
  // libuv#1068: a deadline that counted from the time that the turn began with was over when the turn ended.
  shard_.in_one_turn([&] {
    shard_.arrives(connection_, "x");
    shard_.dawdle(seconds{15});
  });
  expect_end_after(seconds{10}, DisconnectReason::idle_timeout);
}

TEST_F(Idle, what_came_while_another_handler_was_slow_is_seen_first) {
  shard_.pass(seconds{9});
  shard_.dawdle(seconds{30});
  shard_.arrives(connection_, "it was there in time");
  expect_end_after(seconds{10}, DisconnectReason::idle_timeout);
}

TEST_F(Idle, what_the_next_turn_brings_is_still_in_time) {
  // epoll asks the system in every second turn: what has come in time may be seen a turn late.
  const TimePoint due = shard_.time() + seconds{10};
  while (shard_.time() < due) shard_.pass(*shard_.core().next_deadline() - shard_.time());
  EXPECT_TRUE(connection_.is_open());
  shard_.arrives(connection_, "x");
  expect_end_after(seconds{10}, DisconnectReason::idle_timeout);
}

TEST_F(Idle, moves_no_timer_at_a_receive) {
  const auto due = shard_.core().next_deadline();
  for (int round = 0; round < 100; ++round) {
    shard_.dawdle(milliseconds{50});
    shard_.arrives(connection_, "x");
    EXPECT_EQ(shard_.core().next_deadline(), due);
  }
}

TEST_F(Idle, a_slot_used_again_begins_anew) {
  shard_.pass(seconds{8});
  connection_.abort();
  shard_.turn();
  shard_.run_out();
  connection_ = shard_.connect();
  EXPECT_EQ(connection_.id().slot(), 0U);
  expect_no_end_in(seconds{9});
}

TEST_F(Idle, leaves_a_connection_alone_that_is_closing) {
  connection_.close();
  shard_.turn();
  EXPECT_TRUE(wire_.stream_ended);
  shard_.pass(seconds{4});
  shard_.peer_ends(connection_);
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::local_close);
  EXPECT_FALSE(handler_.end(connection_).error);
  shard_.run_out();
  EXPECT_TRUE(shard_.core().timers().empty()) << "the deadline outlives its connection";
}

class IdleReceive : public Deadline {
 protected:
  IdleReceive() : Deadline{{.idle_receive = seconds{10}}} {}
};

TEST_F(IdleReceive, is_not_extended_by_what_is_sent) {
  for (int second = 0; second < 9; ++second) {
    shard_.pass(seconds{1});
    connection_.send("y");
    shard_.turn();
    shard_.sent_all(connection_);
  }
  expect_end_after(seconds{1}, DisconnectReason::idle_timeout);
}

TEST_F(IdleReceive, does_not_count_while_receiving_is_paused) {
  connection_.pause_receive();
  shard_.turn();
  shard_.cancels_end();
  expect_no_end_in(hours{1});
  connection_.resume_receive();
  shard_.turn();
  expect_end_after(seconds{10}, DisconnectReason::idle_timeout);
}

TEST_F(IdleReceive, does_not_count_after_the_peers_end) {
  handler_.peer_ending = [](Connection) {};
  shard_.peer_ends(connection_);
  expect_no_end_in(hours{1});
}

class IdleSend : public Deadline {
 protected:
  IdleSend() : Deadline{{.idle_send = seconds{10}}} {}
};

TEST_F(IdleSend, is_not_extended_by_what_is_received) {
  for (int second = 0; second < 9; ++second) {
    shard_.pass(seconds{1});
    shard_.arrives(connection_, "x");
  }
  expect_end_after(seconds{1}, DisconnectReason::idle_timeout);
}

class FirstByte : public Deadline {
 protected:
  FirstByte() : Deadline{{.first_byte = seconds{3}}} {}
};

TEST_F(FirstByte, ends_a_client_that_says_nothing) {
  connection_.send("hello, I speak first");
  shard_.turn();
  shard_.sent_all(connection_);
  expect_end_after(seconds{3}, DisconnectReason::idle_timeout);
}

TEST_F(FirstByte, is_over_for_good_with_that_byte) {
  shard_.pass(seconds{2});
  shard_.arrives(connection_, "x");
  expect_no_end_in(hours{24});
}

class Write : public Deadline {
 protected:
  Write() : Deadline{{.write = seconds{5}}} {}
};

TEST_F(Write, ends_a_connection_whose_peer_does_not_read) {
  expect_no_end_in(hours{1});
  connection_.send(std::string(1000, 'q'));
  shard_.turn();
  expect_end_after(seconds{5}, DisconnectReason::min_rate);
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 1000U);
}

TEST_F(Write, is_extended_by_each_byte_that_leaves) {
  connection_.send(std::string(10, 'q'));
  shard_.turn();
  for (int byte = 0; byte < 9; ++byte) {
    shard_.pass(seconds{4});
    shard_.sent(connection_, 1);
  }
  expect_end_after(seconds{5}, DisconnectReason::min_rate);
}

TEST_F(Write, counts_from_the_bytes_that_wait_and_not_from_the_last_that_left) {
  shard_.pass(seconds{4});
  connection_.send("q");
  shard_.turn();
  shard_.sent_all(connection_);
  shard_.pass(seconds{4});
  connection_.send("q");
  shard_.turn();
  expect_end_after(seconds{5}, DisconnectReason::min_rate);
}

TEST_F(Write, holds_after_close_too) {
  connection_.send("q");
  connection_.close();
  shard_.turn();
  shard_.pass(seconds{5} + slack);
  shard_.run_out();
  EXPECT_TRUE(handler_.ended(connection_));
}

class Lifetime : public Deadline {
 protected:
  Lifetime() : Deadline{{.lifetime = minutes{1}}} {}
};

TEST_F(Lifetime, is_extended_by_nothing) {
  for (int second = 0; second < 59; ++second) {
    shard_.pass(seconds{1});
    shard_.arrives(connection_, "x");
    connection_.send("y");
    shard_.turn();
    shard_.sent_all(connection_);
  }
  expect_end_after(seconds{1}, DisconnectReason::lifetime);
}

TEST_F(Lifetime, ends_a_close_that_lingers) {
  shard_.pass(seconds{58});
  connection_.close();
  shard_.turn();
  shard_.pass(seconds{2} + slack);
  shard_.run_out();
  EXPECT_TRUE(handler_.ended(connection_));
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::local_close) << "all was sent";
}

class MinRate : public Deadline {
 protected:
  MinRate() : Deadline{{.min_rate_bytes = 100, .min_rate_grace = seconds{10}}} {}
};

TEST_F(MinRate, leaves_a_connection_alone_that_owes_nothing) {
  expect_no_end_in(hours{1});
  connection_.begin_message();
  connection_.end_message();
  expect_no_end_in(hours{1});
}

TEST_F(MinRate, ends_a_sender_whose_message_trickles) {
  // CVE-2018-12122: a byte now and then held a connection for ever.
  expect_no_end_in(minutes{1});
  connection_.begin_message();
  shard_.turn();
  for (int second = 0; second < 9; ++second) {
    shard_.pass(seconds{1});
    shard_.arrives(connection_, std::string(99, 'x'));
  }
  expect_end_after(seconds{1}, DisconnectReason::min_rate);
}

TEST_F(MinRate, bytes_of_each_period_count_for_it_alone) {
  connection_.begin_message();
  shard_.turn();
  shard_.pass(seconds{1});
  shard_.arrives(connection_, std::string(1'000'000, 'x'));
  expect_no_end_in(seconds{18});
  shard_.pass(seconds{1} + slack);
  EXPECT_FALSE(connection_.is_open()) << "what came in the first ten seconds is no credit";
}

TEST_F(MinRate, a_sender_that_is_fast_enough_goes_on_for_ever) {
  connection_.begin_message();
  shard_.turn();
  for (int second = 0; second < 3600; ++second) {
    shard_.pass(seconds{1});
    shard_.arrives(connection_, std::string(110, 'x'));
  }
  EXPECT_TRUE(connection_.is_open());
}

TEST_F(MinRate, a_byte_each_millisecond_does_not_put_it_off) {
  connection_.begin_message();
  shard_.turn();
  shard_.pass(seconds{10} - milliseconds{5});
  for (int round = 0; round < 40 && connection_.is_open(); ++round) {
    shard_.pass(milliseconds{1});
    if (wire_.receiving && !wire_.receive_cancelled) shard_.arrives(connection_, "x");
  }
  EXPECT_FALSE(connection_.is_open());
}

TEST_F(MinRate, ends_a_reader_that_is_too_slow) {
  connection_.send(std::string(100'000, 'q'));
  shard_.turn();
  for (int second = 0; second < 9; ++second) {
    shard_.pass(seconds{1});
    shard_.sent(connection_, 99);
  }
  expect_end_after(seconds{1}, DisconnectReason::min_rate);
}

TEST_F(MinRate, small_answers_to_a_reader_that_takes_them_are_no_slow_queue) {
  // Each turn's completion empties the queue, and the handler fills it again before anybody looks.
  handler_.sending = [](Connection connection, std::size_t) { connection.send("y"); };
  connection_.send("y");
  shard_.turn();
  for (int second = 0; second < 60; ++second) {
    shard_.pass(seconds{1});
    shard_.sent(connection_, 1);
  }
  EXPECT_TRUE(connection_.is_open());
}

TEST_F(MinRate, does_not_count_while_receiving_is_paused) {
  connection_.begin_message();
  connection_.pause_receive();
  shard_.turn();
  shard_.cancels_end();
  expect_no_end_in(hours{1});
  connection_.resume_receive();
  shard_.turn();
  expect_end_after(seconds{10}, DisconnectReason::min_rate);
}

TEST(Deadlines, that_are_off_arm_nothing) {
  Recorder handler;
  Shard shard{handler};
  Connection connection = shard.connect();
  connection.begin_message();
  shard.turn();
  EXPECT_TRUE(shard.core().timers().empty());
}

TEST(Deadlines, many_at_once_end_who_is_late_and_nobody_else) {
  Recorder handler;
  Shard shard{
      handler,
      {.deadlines = {.first_byte = seconds{5}, .idle = seconds{30}, .write = seconds{20}, .lifetime = hours{1}}}};
  Connection silent = shard.connect();
  Connection busy = shard.connect();
  for (int round = 0; round < 180; ++round) {
    shard.arrives(busy, "x");
    busy.send("y");
    shard.turn();
    shard.sent_all(busy);
    shard.pass(seconds{19});
    EXPECT_FALSE(silent.is_open());
    ASSERT_TRUE(busy.is_open());
  }
  shard.pass(minutes{4});
  EXPECT_FALSE(busy.is_open());
  shard.run_out();
}

class UserTimer : public testing::Test {
 protected:
  using Log = Recorder::Log;
  Recorder handler_;
  Shard shard_{handler_};
  Connection connection_ = shard_.connect();
};

TEST_F(UserTimer, calls_once_in_its_time) {
  connection_.start_timer(seconds{3});
  shard_.pass(seconds{3} - milliseconds{1});
  EXPECT_EQ(handler_.log(connection_), (Log{"connect"}));
  shard_.pass(milliseconds{4});
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "timer"}));
  shard_.pass(hours{1});
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "timer"}));
}

TEST_F(UserTimer, started_again_is_moved) {
  connection_.start_timer(seconds{3});
  connection_.start_timer(seconds{8});
  shard_.pass(seconds{7});
  EXPECT_EQ(handler_.log(connection_), (Log{"connect"}));
  connection_.start_timer(milliseconds{0});
  shard_.pass(milliseconds{4});
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "timer"}));
  shard_.pass(hours{1});
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "timer"}));
}

TEST_F(UserTimer, may_start_itself_again) {
  int rounds = 0;
  handler_.timer = [&](Connection connection) {
    if (++rounds < 5) connection.start_timer(seconds{1});
  };
  connection_.start_timer(seconds{1});
  shard_.pass(hours{1});
  EXPECT_EQ(rounds, 5);
}

TEST_F(UserTimer, is_not_called_after_its_cancel_also_in_the_same_step) {
  // asio#878: a timer that had expired and was queued fired after its cancel.
  Connection other = shard_.connect();
  handler_.timer = [&](Connection connection) { (connection.id() == other.id() ? connection_ : other).cancel_timer(); };
  connection_.start_timer(seconds{1});
  other.start_timer(seconds{1});
  shard_.pass(seconds{2});
  const std::size_t called = handler_.log(connection_).size() + handler_.log(other).size();
  EXPECT_EQ(called, 3U) << "two connects and one timer";
}

TEST_F(UserTimer, ends_with_close_and_abort_also_in_the_same_step) {
  Connection closed = shard_.connect();
  Connection aborted = shard_.connect();
  connection_.start_timer(seconds{1});
  closed.start_timer(seconds{1});
  aborted.start_timer(seconds{1});
  handler_.timer = [&](Connection) {
    closed.close();
    aborted.abort();
  };
  shard_.pass(seconds{1} + milliseconds{900});
  shard_.run_out();
  EXPECT_EQ(handler_.log(closed), (Log{"connect"}));
  EXPECT_EQ(handler_.log(aborted), (Log{"connect", "disconnect local_abort"}));
}

TEST_F(UserTimer, counts_from_its_start_after_a_slow_handler) {
  shard_.in_one_turn([&] {
    shard_.dawdle(seconds{20});
    connection_.start_timer(seconds{3});
  });
  shard_.pass(seconds{3} - milliseconds{1});
  EXPECT_EQ(handler_.log(connection_), (Log{"connect"}));
}

TEST_F(UserTimer, of_a_stale_handle_does_nothing) {
  connection_.abort();
  shard_.turn();
  shard_.run_out();
  connection_.start_timer(seconds{1});
  connection_.cancel_timer();
  EXPECT_TRUE(shard_.core().timers().empty());
}

TEST_F(UserTimer, that_throws_ends_its_connection) {
  handler_.timer = [](Connection) { throw std::runtime_error{"late"}; };
  connection_.start_timer(seconds{1});
  shard_.pass(seconds{2});
  shard_.run_out();
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::handler_threw);
}

}  // namespace
}  // namespace iocpp::core

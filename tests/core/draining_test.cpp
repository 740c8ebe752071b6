// A drain: who was idle, who finished, who was cut, and what was lost.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "core/recorder.hpp"
#include "core/shard.hpp"

namespace iocpp::core {
namespace {

using Log = Recorder::Log;

class Draining : public testing::Test {
 protected:
  Recorder handler_;
  Shard shard_{handler_};

  void begin() {
    shard_.core().begin_drain();
    shard_.turn();
  }
  /// The deadline is over.
  void cut() {
    shard_.core().cut_drain();
    shard_.turn();
    shard_.run_out();
  }
  void expect(std::uint64_t idle_closed, std::uint64_t finished, std::uint64_t were_cut, std::uint64_t bytes_lost) {
    const DrainReport& report = shard_.core().drain().report();
    EXPECT_EQ(report.idle_closed, idle_closed);
    EXPECT_EQ(report.finished, finished);
    EXPECT_EQ(report.cut, were_cut);
    EXPECT_EQ(report.bytes_lost, bytes_lost);
  }
};

TEST_F(Draining, an_idle_connection_is_closed_in_order) {
  const Connection idle = shard_.connect();
  begin();
  EXPECT_TRUE(shard_.wire(idle).stream_ended);
  shard_.peer_ends(idle);
  shard_.run_out();
  EXPECT_EQ(handler_.log(idle), (Log{"connect", "disconnect local_close"}));
  expect(1, 0, 0, 0);
}

TEST_F(Draining, a_connection_with_bytes_to_send_sends_them_first) {
  const Connection busy = shard_.connect();
  busy.send("answer");
  begin();
  EXPECT_FALSE(shard_.wire(busy).stream_ended);
  shard_.sent_all(busy);
  shard_.peer_ends(busy);
  shard_.run_out();
  EXPECT_EQ(shard_.wire(busy).sent, "answer");
  expect(0, 1, 0, 0);
}

TEST_F(Draining, what_is_left_at_the_deadline_is_reset_and_its_bytes_are_counted) {
  const Connection stuck = shard_.connect();
  stuck.send(std::string(100, 'x'));
  begin();
  shard_.sent(stuck, 30);
  cut();
  EXPECT_EQ(handler_.end(stuck).reason, DisconnectReason::drain_deadline);
  EXPECT_EQ(handler_.end(stuck).unsent_bytes, 70U);
  EXPECT_TRUE(shard_.wire(stuck).reset);
  expect(0, 0, 1, 70);
}

TEST_F(Draining, a_connection_that_awaits_the_peers_end_is_cut_too) {
  const Connection idle = shard_.connect();
  begin();
  cut();
  EXPECT_TRUE(handler_.ended(idle));
  EXPECT_TRUE(shard_.wire(idle).reset);
  expect(0, 0, 1, 0);
}

TEST_F(Draining, a_paused_connection_is_no_obstacle) {
  const Connection paused = shard_.connect();
  paused.pause_receive();
  shard_.turn();
  shard_.arrives(paused, "never read");
  shard_.cancels_end();
  begin();
  shard_.peer_ends(paused);
  shard_.run_out();
  expect(1, 0, 0, 0);
}

TEST_F(Draining, a_connection_that_was_being_closed_already_counts_as_finished) {
  const Connection closing = shard_.connect();
  closing.send("bye");
  closing.close();
  shard_.turn();
  begin();
  shard_.sent_all(closing);
  shard_.peer_ends(closing);
  shard_.run_out();
  expect(0, 1, 0, 0);
}

TEST_F(Draining, a_message_that_has_begun_may_end_and_be_answered) {
  handler_.receiving = [](Connection connection, std::string_view text) {
    if (text == "first part") connection.begin_message();
    if (text != "rest") return;
    connection.end_message();
    connection.send("answer");
  };
  const Connection in_message = shard_.connect();
  shard_.arrives(in_message, "first part");
  begin();
  shard_.arrives(in_message, "more");
  shard_.pass(std::chrono::hours{1});
  EXPECT_TRUE(in_message.is_open());
  shard_.arrives(in_message, "rest");
  shard_.pass(std::chrono::milliseconds{2});
  EXPECT_FALSE(in_message.is_open());
  shard_.sent_all(in_message);
  EXPECT_TRUE(shard_.wire(in_message).stream_ended);
  shard_.peer_ends(in_message);
  shard_.run_out();
  EXPECT_EQ(shard_.wire(in_message).sent, "answer");
  expect(0, 1, 0, 0);
}

TEST_F(Draining, a_message_behind_the_one_that_was_awaited_does_not_put_the_end_off) {
  handler_.receiving = [](Connection connection, std::string_view) { connection.begin_message(); };
  const Connection in_message = shard_.connect();
  shard_.arrives(in_message, "first part");
  begin();
  shard_.arrives(in_message, "rest, and the next one's first part");
  shard_.pass(std::chrono::milliseconds{2});
  EXPECT_FALSE(in_message.is_open());
  shard_.peer_ends(in_message);
  shard_.run_out();
  expect(0, 1, 0, 0);
}

// Each end of a message moved the timer that closes on: who sends fast was served until the deadline, and cut.
TEST_F(Draining, messages_that_end_in_each_turn_do_not_put_the_end_off) {
  handler_.receiving = [](Connection connection, std::string_view) {
    connection.end_message();
    connection.begin_message();
  };
  const Connection streams = shard_.connect();
  streams.begin_message();
  begin();
  for (int turn = 0; turn < 20; ++turn) {
    // In a turn, what has come is handled before the timers that are due.
    shard_.dawdle(std::chrono::microseconds{1'300});
    if (streams.is_open()) shard_.arrives(streams, "message");
    shard_.pass({});
  }
  EXPECT_FALSE(streams.is_open());
  shard_.peer_ends(streams);
  shard_.run_out();
  expect(0, 1, 0, 0);
}

TEST_F(Draining, a_message_that_does_not_end_is_cut) {
  const Connection in_message = shard_.connect();
  in_message.begin_message();
  begin();
  cut();
  EXPECT_EQ(handler_.end(in_message).reason, DisconnectReason::drain_deadline);
  expect(0, 0, 1, 0);
}

// The timer that was to close it would have ended its flush at once.
TEST_F(Draining, a_close_by_hand_after_the_message_has_its_own_time) {
  const Connection in_message = shard_.connect();
  in_message.begin_message();
  begin();
  shard_.in_one_turn([&] {
    in_message.end_message();
    in_message.send("answer");
    in_message.close();
  });
  shard_.pass(std::chrono::seconds{1});
  EXPECT_FALSE(handler_.ended(in_message));
  shard_.sent_all(in_message);
  shard_.peer_ends(in_message);
  shard_.run_out();
  expect(0, 1, 0, 0);
}

TEST_F(Draining, each_connection_is_counted_once) {
  std::vector<Connection> connections;
  for (int count = 0; count < 9; ++count) connections.push_back(shard_.connect());
  for (std::size_t at = 3; at < 9; ++at) connections[at].send("x");
  begin();
  for (std::size_t at = 3; at < 6; ++at) shard_.sent_all(connections[at]);
  for (std::size_t at = 0; at < 6; ++at) shard_.peer_ends(connections[at]);
  shard_.run_out();
  cut();
  cut();
  expect(3, 3, 3, 3);
}

TEST_F(Draining, a_connection_that_ended_before_the_drain_is_not_counted) {
  const Connection early = shard_.connect();
  early.send("lost before");
  early.abort();
  shard_.turn();
  shard_.run_out();
  begin();
  expect(0, 0, 0, 0);
}

TEST_F(Draining, a_client_that_comes_during_the_drain_is_told_and_closed) {
  handler_.connecting = [](Connection connection) { connection.send("going out of business"); };
  begin();
  const Connection late = shard_.connect();
  EXPECT_FALSE(late.is_open());
  shard_.sent_all(late);
  shard_.peer_ends(late);
  shard_.run_out();
  EXPECT_EQ(handler_.log(late).front(), "connect");
  EXPECT_EQ(handler_.log(late).back(), "disconnect local_close");
  expect(0, 1, 0, 0);
}

TEST_F(Draining, a_client_that_the_handler_itself_closes_during_the_drain_is_counted) {
  // Only those that were still open after on_connect were enrolled.
  handler_.connecting = [](Connection connection) { connection.close(); };
  begin();
  const Connection late = shard_.connect();
  shard_.peer_ends(late);
  shard_.run_out();
  const DrainReport& report = shard_.core().drain().report();
  EXPECT_EQ(report.idle_closed + report.finished, 1U);
}

TEST_F(Draining, a_client_that_comes_after_the_deadline_is_cut_at_once) {
  begin();
  cut();
  const Connection late = shard_.connect();
  shard_.run_out();
  EXPECT_EQ(handler_.log(late), (Log{"connect", "disconnect drain_deadline"}));
  expect(0, 0, 1, 0);
}

TEST_F(Draining, a_client_that_comes_after_the_deadline_is_cut_though_the_handler_closes_it) {
  // Closed in order by on_connect it was let be, and held the server up for the whole linger time past its deadline.
  handler_.connecting = [](Connection connection) { connection.close(); };
  begin();
  cut();
  const Connection late = shard_.connect();
  shard_.run_out();
  EXPECT_TRUE(handler_.ended(late));
  EXPECT_TRUE(shard_.wire(late).closed);
  expect(0, 0, 1, 0);
}

TEST_F(Draining, bytes_lost_with_connections_that_end_otherwise_are_counted_too) {
  const Connection reset = shard_.connect();
  reset.send("0123456789");
  begin();
  shard_.send_fails(reset, econnreset, 4);
  shard_.run_out();
  EXPECT_EQ(handler_.end(reset).reason, DisconnectReason::peer_reset);
  // Counted as finished once, though bytes were lost.
  expect(0, 0, 0, 6);
  EXPECT_EQ(shard_.core().drain().report().failed, 1U);
}

TEST_F(Draining, a_connection_that_a_limit_of_closing_resets_did_not_end_in_order) {
  const Connection idle = shard_.connect();
  begin();
  shard_.arrives(idle, std::string((1U << 20) + 1, 'i'));  // linger_bytes_max
  shard_.run_out();
  EXPECT_TRUE(shard_.wire(idle).reset);
  expect(0, 0, 0, 0);
  EXPECT_EQ(shard_.core().drain().report().failed, 1U);
}

TEST_F(Draining, a_handler_that_keeps_its_connection_has_until_the_deadline) {
  handler_.draining = [](Connection) {};
  handler_.receiving = [](Connection connection, std::string_view) {
    connection.send("done");
    connection.close();
  };
  const Connection kept = shard_.connect();
  const Connection silent = shard_.connect();
  begin();
  EXPECT_TRUE(kept.is_open());
  shard_.arrives(kept, "the last request");
  shard_.sent_all(kept);
  shard_.peer_ends(kept);
  shard_.run_out();
  EXPECT_EQ(shard_.wire(kept).sent, "done");
  EXPECT_EQ(handler_.log(kept),
            (Log{"connect", "drain", "receive the last request", "sent 4", "disconnect local_close"}));
  cut();
  EXPECT_EQ(handler_.log(silent), (Log{"connect", "drain", "disconnect drain_deadline"}));
  expect(0, 1, 1, 0);
}

TEST_F(Draining, a_goodbye_is_sent_and_who_said_it_was_not_idle) {
  handler_.draining = [](Connection connection) {
    connection.send("bye");
    connection.close();
  };
  const Connection idle = shard_.connect();
  begin();
  shard_.sent_all(idle);
  EXPECT_EQ(shard_.wire(idle).sent, "bye");
  shard_.peer_ends(idle);
  shard_.run_out();
  expect(0, 1, 0, 0);
}

TEST_F(Draining, who_is_closing_already_is_not_told) {
  handler_.draining = [](Connection) { FAIL() << "told though it was closed"; };
  const Connection closing = shard_.connect();
  closing.close();
  begin();
  shard_.peer_ends(closing);
  shard_.run_out();
}

TEST_F(Draining, one_that_another_ends_while_it_is_told_is_told_nothing) {
  const Connection first = shard_.connect();
  const Connection second = shard_.connect();
  handler_.draining = [&](Connection connection) {
    EXPECT_EQ(connection.id(), first.id());
    second.abort();
    connection.close();
  };
  begin();
  shard_.peer_ends(first);
  shard_.run_out();
  EXPECT_EQ(handler_.log(second), (Log{"connect", "disconnect local_abort"}));
  EXPECT_EQ(shard_.core().drain().report().failed, 1U);
  expect(1, 0, 0, 0);
}

TEST_F(Draining, an_exception_ends_the_connection_that_was_told) {
  handler_.draining = [](Connection) { throw std::runtime_error{"thrown"}; };
  const Connection thrower = shard_.connect();
  begin();
  shard_.run_out();
  EXPECT_EQ(handler_.log(thrower), (Log{"connect", "drain", "disconnect handler_threw"}));
  EXPECT_EQ(shard_.core().drain().report().failed, 1U);
}

TEST_F(Draining, a_client_that_comes_later_is_told_after_on_connect) {
  handler_.draining = [](Connection connection) { connection.close(); };
  begin();
  const Connection late = shard_.connect();
  shard_.peer_ends(late);
  shard_.run_out();
  EXPECT_EQ(handler_.log(late), (Log{"connect", "drain", "disconnect local_close"}));
}

class PatientDraining : public Draining {
 protected:
  PatientDraining() {
    handler_.draining = [](Connection connection) { connection.close(); };
    handler_.receiving = [](Connection connection, std::string_view text) { connection.send(text); };
  }
  void begin_patiently() {
    shard_.core().begin_drain(true);
    shard_.turn();
  }
};

TEST_F(PatientDraining, tells_a_connection_after_its_next_bytes) {
  const Connection client = shard_.connect();
  begin_patiently();
  EXPECT_TRUE(client.is_open());
  const Connection late = shard_.connect();
  EXPECT_TRUE(late.is_open());
  for (const Connection connection : {client, late}) {
    shard_.arrives(connection, "ask");
    EXPECT_FALSE(connection.is_open());
    shard_.sent_all(connection);
    EXPECT_EQ(shard_.wire(connection).sent, "ask");
    shard_.peer_ends(connection);
    shard_.run_out();
    EXPECT_EQ(handler_.log(connection), (Log{"connect", "receive ask", "drain", "sent 3", "disconnect local_close"}));
  }
  expect(0, 2, 0, 0);
}

TEST_F(PatientDraining, tells_who_has_said_nothing_when_the_patience_ends) {
  const Connection silent = shard_.connect();
  const Connection paused = shard_.connect();
  paused.pause_receive();
  shard_.turn();
  begin_patiently();
  shard_.core().end_drain_patience();
  shard_.turn();
  const Connection late = shard_.connect();
  for (const Connection connection : {silent, paused, late}) {
    EXPECT_FALSE(connection.is_open());
    shard_.cancels_end();
    shard_.peer_ends(connection);
    shard_.run_out();
    EXPECT_EQ(handler_.log(connection), (Log{"connect", "drain", "disconnect local_close"}));
  }
  expect(3, 0, 0, 0);
}

TEST_F(PatientDraining, tells_once_what_was_stashed_during_a_pause_is_delivered) {
  const Connection paused = shard_.connect();
  paused.pause_receive();
  shard_.turn();
  shard_.arrives(paused, "kept");
  shard_.cancels_end();
  begin_patiently();
  EXPECT_TRUE(paused.is_open());
  paused.resume_receive();
  shard_.turn();
  EXPECT_FALSE(paused.is_open());
  shard_.sent_all(paused);
  EXPECT_EQ(shard_.wire(paused).sent, "kept");
  shard_.peer_ends(paused);
  shard_.run_out();
  EXPECT_EQ(handler_.log(paused), (Log{"connect", "receive kept", "drain", "sent 4", "disconnect local_close"}));
}

TEST_F(PatientDraining, ends_with_the_deadline_all_the_same) {
  const Connection silent = shard_.connect();
  begin_patiently();
  cut();
  EXPECT_EQ(handler_.log(silent), (Log{"connect", "disconnect drain_deadline"}));
  expect(0, 0, 1, 0);
}

}  // namespace
}  // namespace iocpp::core

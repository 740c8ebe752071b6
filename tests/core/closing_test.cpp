// close(), abort(), and how connections end from outside.
#include <gtest/gtest.h>

#include <string>

#include "core/recorder.hpp"
#include "core/shard.hpp"
#include "iocpp/error.hpp"

namespace iocpp::core {
namespace {

using Log = Recorder::Log;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Closing : public testing::Test {
 protected:
  Recorder handler_;
  Shard shard_{handler_, {.linger_timeout = seconds{5}, .linger_bytes_max = 1000}};
  Connection connection_ = shard_.connect();
  Wire& wire_ = shard_.wire(connection_);

  void close() {
    connection_.close();
    shard_.turn();
  }
  void expect_open_end_after(std::chrono::nanoseconds span) {
    shard_.pass(span - milliseconds{1});
    EXPECT_FALSE(wire_.receive_cancelled || wire_.closing) << "ended early";
    shard_.pass(milliseconds{3});
    EXPECT_TRUE(wire_.receive_cancelled || wire_.closing) << "not ended in time";
    shard_.run_out();
  }
};

TEST_F(Closing, ends_our_stream_and_awaits_the_peers) {
  close();
  EXPECT_FALSE(connection_.is_open());
  EXPECT_TRUE(wire_.stream_ended);
  EXPECT_TRUE(wire_.receiving) << "the peer's end is awaited";
  EXPECT_FALSE(handler_.ended(connection_));
  shard_.peer_ends(connection_);
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "disconnect local_close"}));
  EXPECT_FALSE(handler_.end(connection_).error);
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 0U);
  EXPECT_TRUE(wire_.closing);
  EXPECT_FALSE(wire_.reset);
}

TEST_F(Closing, input_while_the_queue_leaves_is_bounded_and_the_queue_still_leaves) {
  // A peer that read a little now and then and sent at full speed was read from for as long as it liked: 9 GiB in 6 s.
  connection_.send(std::string(3000, 'q'));
  close();
  shard_.arrives(connection_, std::string(1000, 'i'));
  EXPECT_FALSE(wire_.receive_cancelled);
  shard_.arrives(connection_, "i");
  EXPECT_TRUE(wire_.receive_cancelled) << "linger_bytes_max is 1,000 here";
  shard_.cancels_end();
  EXPECT_FALSE(wire_.receiving);
  EXPECT_FALSE(handler_.ended(connection_));
  shard_.sent_all(connection_);
  EXPECT_EQ(wire_.sent, std::string(3000, 'q'));
  EXPECT_TRUE(wire_.stream_ended);
  EXPECT_TRUE(wire_.receiving) << "the peer's end is awaited";
  shard_.arrives(connection_, std::string(1000, 'i'));
  shard_.peer_ends(connection_);
  EXPECT_EQ(handler_.log(connection_).back(), "disconnect local_close");
  EXPECT_FALSE(wire_.reset);
}

TEST_F(Closing, sends_what_is_queued_before_it_ends_the_stream) {
  connection_.send("one ");
  shard_.turn();
  connection_.send("two");
  close();
  EXPECT_FALSE(wire_.stream_ended);
  shard_.sent(connection_, 4);
  EXPECT_FALSE(wire_.stream_ended);
  shard_.sent(connection_, 3);
  EXPECT_TRUE(wire_.stream_ended);
  shard_.peer_ends(connection_);
  EXPECT_EQ(wire_.sent, "one two");
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "sent 4", "sent 3", "disconnect local_close"}));
}

TEST_F(Closing, a_peer_that_ended_first_is_closed_as_soon_as_all_is_sent) {
  connection_.send("bye");
  shard_.turn();
  shard_.peer_ends(connection_);
  EXPECT_FALSE(handler_.ended(connection_));
  shard_.sent(connection_, 3);
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "peer_shutdown", "sent 3", "disconnect peer_closed"}));
  EXPECT_FALSE(wire_.reset);
}

TEST_F(Closing, a_peer_that_ends_without_more_to_send_is_closed_at_once) {
  shard_.peer_ends(connection_);
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "peer_shutdown", "disconnect peer_closed"}));
  EXPECT_TRUE(wire_.closing);
}

TEST_F(Closing, a_peer_that_ends_while_we_flush_is_closed_when_we_have) {
  connection_.send("bye");
  close();
  shard_.peer_ends(connection_);
  EXPECT_FALSE(handler_.ended(connection_));
  shard_.sent(connection_, 3);
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "sent 3", "disconnect local_close"}));
}

TEST_F(Closing, input_is_discarded_while_the_peers_end_is_awaited) {
  close();
  shard_.arrives(connection_, "who reads this?");
  EXPECT_EQ(handler_.log(connection_), Log{"connect"});
  shard_.peer_ends(connection_);
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "disconnect local_close"}));
}

TEST_F(Closing, a_peer_that_goes_on_talking_is_reset_beyond_the_limit) {
  close();
  shard_.arrives(connection_, std::string(600, 'x'));
  shard_.arrives(connection_, std::string(400, 'x'));
  EXPECT_FALSE(wire_.receive_cancelled) << "1,000 bytes are allowed";
  shard_.arrives(connection_, "x");
  EXPECT_TRUE(wire_.receive_cancelled);
  shard_.run_out();
  EXPECT_TRUE(wire_.reset);
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::local_close);
}

TEST_F(Closing, a_peer_that_never_ends_is_closed_after_the_linger_time) {
  close();
  expect_open_end_after(seconds{5});
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "disconnect local_close"}));
  EXPECT_FALSE(handler_.end(connection_).error) << "all was sent";
}

TEST_F(Closing, a_peer_that_never_reads_is_reset_after_the_linger_time_and_the_loss_is_told) {
  connection_.send("never read");
  close();
  shard_.pass(seconds{5} + milliseconds{3});
  EXPECT_TRUE(wire_.send_cancelled);
  shard_.run_out();
  EXPECT_TRUE(wire_.reset);
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::local_close);
  EXPECT_TRUE(handler_.end(connection_).error == errc::timed_out);
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 10U);
  EXPECT_EQ(shard_.core().counters().unsent_bytes.get(), 10U);
}

TEST_F(Closing, progress_in_sending_extends_the_time) {
  connection_.send(std::string(10, 'x'));
  close();
  for (int part = 0; part < 9; ++part) {
    shard_.pass(seconds{4});
    shard_.sent(connection_, 1);
    ASSERT_FALSE(wire_.send_cancelled);
  }
  shard_.pass(seconds{4});
  shard_.sent(connection_, 1);
  EXPECT_TRUE(wire_.stream_ended);
  expect_open_end_after(seconds{5});
  EXPECT_FALSE(handler_.end(connection_).error);
}

TEST_F(Closing, progress_in_receiving_does_not_extend_the_time) {
  close();
  for (int second = 0; second < 4; ++second) {
    shard_.pass(seconds{1});
    shard_.arrives(connection_, "drip");
  }
  expect_open_end_after(seconds{1});
}

TEST_F(Closing, the_linger_time_counts_from_the_close_also_after_a_slow_handler) {
  handler_.receiving = [this](Connection connection, std::string_view) {
    shard_.dawdle(seconds{30});
    connection.close();
  };
  shard_.arrives(connection_, "work");
  EXPECT_FALSE(handler_.ended(connection_));
  expect_open_end_after(seconds{5});
}

TEST_F(Closing, abort_resets_at_once_and_tells_what_was_not_sent) {
  connection_.send(std::string(100, 'x'));
  shard_.turn();
  shard_.sent(connection_, 30);
  connection_.send("more");
  connection_.abort();
  shard_.turn();
  EXPECT_TRUE(wire_.send_cancelled);
  EXPECT_TRUE(wire_.receive_cancelled);
  shard_.run_out();
  EXPECT_TRUE(wire_.reset);
  EXPECT_FALSE(wire_.stream_ended);
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::local_abort);
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 74U);
  EXPECT_EQ(shard_.core().counters().unsent_bytes.get(), 74U);
  EXPECT_EQ(shard_.core().counters().bytes_sent.get(), 30U);
}

TEST_F(Closing, a_send_that_wins_against_its_cancel_is_not_told_as_lost) {
  connection_.send(std::string(100, 'x'));
  shard_.turn();
  connection_.abort();
  shard_.turn();
  shard_.sent(connection_, 60);
  shard_.run_out();
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 40U);
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "disconnect local_abort"}));
}

TEST_F(Closing, on_disconnect_waits_for_both_operations) {
  connection_.send("x");
  shard_.turn();
  connection_.abort();
  shard_.turn();
  shard_.receive_fails(connection_, cancelled);
  EXPECT_FALSE(handler_.ended(connection_));
  EXPECT_FALSE(wire_.closing);
  shard_.send_fails(connection_, cancelled);
  EXPECT_TRUE(handler_.ended(connection_));
  EXPECT_TRUE(wire_.closing);
}

TEST_F(Closing, bytes_that_arrive_after_abort_are_dropped) {
  connection_.abort();
  shard_.turn();
  shard_.arrives(connection_, "too late", true);
  shard_.peer_ends(connection_);
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "disconnect local_abort"}));
}

TEST_F(Closing, close_again_changes_nothing) {
  close();
  shard_.pass(seconds{3});
  close();
  expect_open_end_after(seconds{2});
}

TEST_F(Closing, abort_after_close_resets_and_is_the_reason_where_bytes_are_lost) {
  connection_.send("lost");
  close();
  connection_.abort();
  shard_.turn();
  shard_.run_out();
  EXPECT_TRUE(wire_.reset);
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::local_abort);
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 4U);
}

TEST_F(Closing, sends_after_close_are_refused) {
  close();
  EXPECT_TRUE(connection_.send("x").closed);
  shard_.turn();
  EXPECT_FALSE(wire_.sending);
}

TEST_F(Closing, a_reset_by_the_peer_ends_with_the_systems_error) {
  shard_.receive_fails(connection_, econnreset);
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "disconnect peer_reset"}));
  EXPECT_TRUE(handler_.end(connection_).error == errc::connection_reset);
  EXPECT_EQ(handler_.end(connection_).error.value(), econnreset);
  EXPECT_TRUE(wire_.closing);
}

TEST_F(Closing, a_reset_told_by_the_send_waits_for_the_receive) {
  connection_.send("anybody there?");
  shard_.turn();
  shard_.send_fails(connection_, epipe);
  EXPECT_FALSE(handler_.ended(connection_));
  EXPECT_TRUE(wire_.receive_cancelled);
  shard_.cancels_end();
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::peer_reset);
  EXPECT_EQ(handler_.end(connection_).error.value(), epipe);
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 14U);
}

TEST_F(Closing, the_first_error_is_the_one_that_is_told) {
  connection_.send("x");
  shard_.turn();
  shard_.receive_fails(connection_, econnreset);
  shard_.send_fails(connection_, epipe);
  EXPECT_EQ(handler_.end(connection_).error.value(), econnreset);
}

TEST_F(Closing, another_error_of_the_network_is_named_so) {
  shard_.receive_fails(connection_, host_unreachable);
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::network_error);
  EXPECT_EQ(handler_.end(connection_).error.value(), host_unreachable);
  EXPECT_TRUE(handler_.end(connection_).error == errc::network);
}

TEST_F(Closing, a_reset_after_all_was_sent_does_not_change_the_reason_of_the_close) {
  close();
  shard_.receive_fails(connection_, econnreset);
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::local_close);
  EXPECT_FALSE(handler_.end(connection_).error);
}

TEST_F(Closing, a_reset_while_bytes_are_still_leaving_is_told) {
  connection_.send("lost");
  close();
  shard_.receive_fails(connection_, econnreset);
  shard_.send_fails(connection_, econnreset);
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::peer_reset);
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 4U);
}

TEST_F(Closing, a_paused_connection_is_received_from_again_to_see_the_peers_end) {
  connection_.pause_receive();
  shard_.turn();
  shard_.cancels_end();
  EXPECT_FALSE(wire_.receiving);
  close();
  EXPECT_TRUE(wire_.receiving);
  shard_.peer_ends(connection_);
  EXPECT_TRUE(handler_.ended(connection_));
}

TEST_F(Closing, posts_that_find_no_room_are_made_in_a_later_turn) {
  connection_.send("bytes");
  shard_.room = 0;
  close();
  EXPECT_FALSE(wire_.sending);
  EXPECT_TRUE(shard_.core().anything_dirty()) << "or nobody would look at it again";
  shard_.room = ~0U;
  shard_.turn();
  EXPECT_TRUE(wire_.sending);
  shard_.sent_all(connection_);
  shard_.room = 0;
  connection_.abort();
  shard_.turn();
  shard_.turn();
  EXPECT_FALSE(wire_.receive_cancelled);
  shard_.room = 1;
  shard_.turn();
  shard_.cancels_end();
  EXPECT_TRUE(handler_.ended(connection_));
  EXPECT_TRUE(wire_.closing);
}

}  // namespace
}  // namespace iocpp::core

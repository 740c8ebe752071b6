// Receiving: order, pauses, the peer's end, and shortages of buffers.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/allocations.hpp"
#include "core/recorder.hpp"
#include "core/shard.hpp"

namespace iocpp::core {
namespace {

using Log = Recorder::Log;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Receiving : public testing::Test {
 protected:
  Recorder handler_;
  Shard shard_{handler_};
  Connection connection_ = shard_.connect();
  Wire& wire_ = shard_.wire(connection_);

  void pause() {
    connection_.pause_receive();
    shard_.turn();
  }
  void resume() {
    connection_.resume_receive();
    shard_.turn();
  }
};

TEST_F(Receiving, bytes_come_as_they_arrive) {
  shard_.arrives(connection_, "one");
  shard_.arrives(connection_, "two");
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "receive one", "receive two"}));
  EXPECT_EQ(wire_.receives_posted, 1U) << "a multishot receive stays";
  EXPECT_EQ(shard_.core().counters().bytes_received.get(), 6U);
}

TEST_F(Receiving, a_receive_that_ends_with_its_bytes_is_posted_again) {
  shard_.arrives(connection_, "one", false);
  EXPECT_EQ(wire_.receives_posted, 2U);
  shard_.arrives(connection_, "two", false);
  EXPECT_EQ(wire_.receives_posted, 3U);
  EXPECT_EQ(handler_.received(connection_), "onetwo");
}

TEST_F(Receiving, the_peers_end_comes_after_its_bytes_and_ends_receiving) {
  handler_.peer_ending = [](Connection) {};
  shard_.in_one_turn([this] {
    shard_.arrives(connection_, "last");
    shard_.peer_ends(connection_);
  });
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "receive last", "peer_shutdown"}));
  EXPECT_FALSE(wire_.receiving);
  EXPECT_TRUE(connection_.is_open());
}

TEST_F(Receiving, a_pause_cancels_the_receive_and_resume_posts_it_after_that) {
  pause();
  EXPECT_TRUE(wire_.receive_cancelled);
  connection_.resume_receive();
  shard_.turn();
  EXPECT_EQ(wire_.receives_posted, 1U) << "the cancelled one has not ended yet";
  shard_.cancels_end();
  EXPECT_EQ(wire_.receives_posted, 2U);
  EXPECT_TRUE(wire_.receiving);
  EXPECT_FALSE(wire_.receive_cancelled);
}

TEST_F(Receiving, a_pause_and_resume_of_one_turn_change_nothing) {
  shard_.in_one_turn([this] {
    connection_.pause_receive();
    connection_.resume_receive();
  });
  EXPECT_FALSE(wire_.receive_cancelled);
  shard_.arrives(connection_, "as ever");
  EXPECT_EQ(handler_.received(connection_), "as ever");
}

TEST_F(Receiving, a_cancel_is_posted_once) {
  pause();
  wire_.receive_cancelled = false;
  pause();
  EXPECT_FALSE(wire_.receive_cancelled) << "a second cancel of the same receive";
  wire_.receive_cancelled = true;
}

TEST_F(Receiving, during_a_pause_nothing_is_delivered_and_afterwards_all_of_it_in_order) {
  pause();
  shard_.arrives(connection_, "one ");
  shard_.arrives(connection_, "two ");
  shard_.cancels_end();
  shard_.turn();
  EXPECT_EQ(handler_.log(connection_), Log{"connect"});
  EXPECT_FALSE(wire_.receiving);
  resume();
  EXPECT_EQ(handler_.received(connection_), "one two ");
  EXPECT_TRUE(wire_.receiving);
  shard_.arrives(connection_, "three");
  EXPECT_EQ(handler_.received(connection_), "one two three");
}

TEST_F(Receiving, the_peers_end_during_a_pause_is_told_after_the_bytes_before_it) {
  pause();
  shard_.arrives(connection_, "last words");
  shard_.peer_ends(connection_);
  EXPECT_EQ(handler_.log(connection_), Log{"connect"});
  resume();
  EXPECT_EQ(handler_.log(connection_),
            (Log{"connect", "receive last words", "peer_shutdown", "disconnect peer_closed"}));
}

TEST_F(Receiving, the_peers_end_alone_during_a_pause_is_told_after_it) {
  pause();
  shard_.peer_ends(connection_);
  EXPECT_EQ(handler_.log(connection_), Log{"connect"});
  resume();
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "peer_shutdown", "disconnect peer_closed"}));
}

TEST_F(Receiving, what_arrives_in_the_turn_of_the_resume_comes_after_what_was_kept) {
  pause();
  shard_.arrives(connection_, "kept ");
  shard_.in_one_turn([this] {
    connection_.resume_receive();
    shard_.arrives(connection_, "new ");
    shard_.peer_ends(connection_);
  });
  EXPECT_EQ(handler_.received(connection_), "kept new ");
  EXPECT_EQ(handler_.log(connection_).back(), "disconnect peer_closed");
}

TEST_F(Receiving, a_pause_in_on_receive_holds_back_what_came_in_the_same_turn) {
  handler_.receiving = [](Connection connection, std::string_view) { connection.pause_receive(); };
  shard_.in_one_turn([this] {
    shard_.arrives(connection_, "one ");
    shard_.arrives(connection_, "two ");
    shard_.arrives(connection_, "three ");
  });
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "receive one "}));
  resume();
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "receive one ", "receive two three "}));
}

TEST_F(Receiving, a_pause_while_kept_bytes_are_delivered_keeps_the_rest) {
  pause();
  const std::string large(200'000, 'x');
  shard_.arrives(connection_, large);
  handler_.receiving = [](Connection connection, std::string_view) { connection.pause_receive(); };
  for (std::size_t before = 0; handler_.received(connection_).size() < large.size();) {
    resume();
    ASSERT_GT(handler_.received(connection_).size(), before);
    ASSERT_LT(handler_.received(connection_).size() - before, large.size());
    before = handler_.received(connection_).size();
  }
  EXPECT_EQ(handler_.received(connection_), large);
}

TEST_F(Receiving, pausing_and_resuming_inside_a_callback_delivers_all_that_was_kept) {
  pause();
  shard_.arrives(connection_, std::string(200'000, 'x'));
  shard_.peer_ends(connection_);
  handler_.receiving = [](Connection connection, std::string_view) {
    connection.pause_receive();
    connection.resume_receive();
  };
  resume();
  EXPECT_EQ(handler_.received(connection_).size(), 200'000U);
  EXPECT_EQ(handler_.log(connection_).back(), "disconnect peer_closed");
}

TEST_F(Receiving, closing_while_kept_bytes_are_delivered_drops_the_rest) {
  pause();
  shard_.arrives(connection_, std::string(200'000, 'x'));
  handler_.receiving = [](Connection connection, std::string_view) { connection.close(); };
  resume();
  EXPECT_EQ(handler_.log(connection_).size(), 2U);
  EXPECT_LT(handler_.received(connection_).size(), 200'000U);
}

TEST_F(Receiving, a_pause_in_on_connect_holds_from_the_beginning) {
  handler_.connecting = [](Connection connection) { connection.pause_receive(); };
  const Connection paused = shard_.connect();
  EXPECT_FALSE(shard_.wire(paused).receiving);
  paused.resume_receive();
  shard_.turn();
  EXPECT_TRUE(shard_.wire(paused).receiving);
}

TEST_F(Receiving, kept_bytes_die_with_the_connection) {
  pause();
  shard_.arrives(connection_, "never read");
  connection_.abort();
  shard_.turn();
  shard_.run_out();
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "disconnect local_abort"}));
}

TEST_F(Receiving, without_memory_for_what_arrives_in_a_pause_the_connection_ends) {
  pause();
  {
    const AllocationsFail fail{2};  // the first two are the test's own, for the bytes that it lends
    shard_.arrives(connection_, "no room");
  }
  shard_.run_out();
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::out_of_resources);
}

TEST_F(Receiving, a_shortage_is_no_end_of_stream_and_is_waited_out) {
  shard_.receive_fails(connection_, no_buffers);
  EXPECT_EQ(handler_.log(connection_), Log{"connect"});
  EXPECT_FALSE(wire_.receiving) << "paced";
  shard_.pass(milliseconds{3});
  EXPECT_TRUE(wire_.receiving);
  shard_.arrives(connection_, "here");
  EXPECT_EQ(handler_.received(connection_), "here");
  EXPECT_EQ(shard_.core().counters().resource_retries.get(), 1U);
}

TEST_F(Receiving, an_empty_buffer_ring_is_tried_again_at_once_and_then_paced) {
  unsigned attempts = 0;
  while (wire_.receiving) {
    ASSERT_LT(++attempts, 50U) << "for ever at one instant";
    shard_.receive_fails(connection_, eagain);
  }
  EXPECT_EQ(attempts, 16U);
  shard_.pass(milliseconds{3});
  EXPECT_TRUE(wire_.receiving);
}

TEST_F(Receiving, a_long_shortage_costs_a_bounded_number_of_attempts) {
  for (const int error : {no_buffers, eagain}) {
    const Connection connection = shard_.connect();
    Wire& wire = shard_.wire(connection);
    for (int ten_milliseconds = 0; ten_milliseconds < 1000; ++ten_milliseconds) {
      while (wire.receiving) {
        ASSERT_LE(shard_.posts_at_this_instant, 40U) << "for ever at one instant";
        shard_.receive_fails(connection, error);
      }
      shard_.pass(milliseconds{10});
    }
    EXPECT_LE(wire.receives_posted, 60U);
    EXPECT_GE(wire.receives_posted, 10U) << "it must be tried again at least once a second";
    if (!wire.receiving) shard_.pass(seconds{1} + milliseconds{3});
    ASSERT_TRUE(wire.receiving) << "not tried again within a second";
    shard_.arrives(connection, "at last");
    EXPECT_EQ(handler_.received(connection), "at last");
  }
}

TEST_F(Receiving, a_shortage_of_many_connections_is_paced_for_all_and_forgets_none) {
  std::vector<Connection> connections;
  for (int count = 0; count < 50; ++count) connections.push_back(shard_.connect());
  for (int rounds = 0; rounds < 3; ++rounds) {
    shard_.in_one_turn([&] {
      for (const Connection connection : connections) {
        if (shard_.wire(connection).receiving) shard_.receive_fails(connection, no_buffers);
      }
    });
    shard_.pass(milliseconds{10});
    for (const Connection connection : connections) ASSERT_TRUE(shard_.wire(connection).receiving);
  }
}

TEST_F(Receiving, a_shortage_told_by_an_operation_that_goes_on_needs_no_retry) {
  shard_.receive_fails(connection_, no_buffers, true);
  EXPECT_TRUE(wire_.receiving);
  EXPECT_EQ(wire_.receives_posted, 1U);
  shard_.arrives(connection_, "goes on");
  EXPECT_EQ(handler_.received(connection_), "goes on");
}

TEST_F(Receiving, a_success_ends_the_pacing_of_shortages) {
  for (int shortage = 0; shortage < 30; ++shortage) {
    shard_.receive_fails(connection_, no_buffers);
    shard_.pass(milliseconds{3});
    ASSERT_TRUE(wire_.receiving) << "shortage " << shortage;
    shard_.arrives(connection_, "x");
  }
}

TEST_F(Receiving, who_waits_for_buffers_can_still_end) {
  shard_.receive_fails(connection_, no_buffers);
  connection_.abort();
  shard_.turn();
  EXPECT_TRUE(handler_.ended(connection_));
  shard_.closes_end();
  const Connection successor = shard_.connect();
  EXPECT_EQ(successor.id().slot(), connection_.id().slot());
  shard_.pass(seconds{2});
  EXPECT_TRUE(shard_.wire(successor).receiving);
  EXPECT_EQ(shard_.wire(successor).receives_posted, 1U) << "the retry was its predecessor's";
}

TEST_F(Receiving, a_retry_for_a_connection_whose_handle_is_being_closed_does_not_touch_it) {
  // It was marked for the next look; where that look came only after the close had ended, the list ran through a slot
  // that was free by then, and whoever stood behind it was forgotten.
  const Connection other = shard_.connect();
  shard_.receive_fails(connection_, no_buffers);
  connection_.abort();
  shard_.turn();
  ASSERT_TRUE(wire_.closing);
  other.send("x");
  shard_.room = 0;
  shard_.pass(milliseconds{5});
  shard_.in_one_turn([this] { shard_.closes_end(); });
  shard_.room = ~0U;
  shard_.turn();
  EXPECT_TRUE(shard_.wire(other).sending);
  EXPECT_TRUE(wire_.closed);
}

}  // namespace
}  // namespace iocpp::core

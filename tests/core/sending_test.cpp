// The send queue: order, one send at a time, watermarks, the cap, the end of our stream, and shortages.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/native_codes.hpp"
#include "core/allocations.hpp"
#include "core/recorder.hpp"
#include "core/shard.hpp"

namespace iocpp::core {
namespace {

using Log = Recorder::Log;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span{text});
  return {bytes.begin(), bytes.end()};
}

class Sending : public testing::Test {
 protected:
  Recorder handler_;
  Shard shard_{handler_,
               {.send_queue_bytes_high = 100,
                .send_queue_bytes_low = 40,
                .send_queue_bytes_max = 1000,
                .linger_timeout = seconds{5}}};
  Connection connection_ = shard_.connect();
  Wire& wire_ = shard_.wire(connection_);

  /// A turn in which `size` bytes are queued.
  SendResult send(std::size_t size) {
    const SendResult result = connection_.send(std::string(size, 'x'));
    shard_.turn();
    return result;
  }
};

TEST_F(Sending, many_sends_of_one_turn_are_one_gathered_write) {
  shard_.in_one_turn([this] {
    for (const char* part : {"a", "b", "c"}) EXPECT_TRUE(connection_.send(part).queued);
    connection_.send(bytes_of("owned "));
    connection_.send(std::make_shared<const std::vector<std::byte>>(bytes_of("shared")));
    connection_.send(".");
  });
  EXPECT_EQ(wire_.sends_posted, 1U);
  EXPECT_EQ(wire_.in_flight_bytes, "abcowned shared.");
  EXPECT_EQ(connection_.send_queue_bytes(), 16U);
}

TEST_F(Sending, one_send_is_in_flight_at_a_time_and_the_next_begins_where_it_ended) {
  connection_.send("0123456789");
  shard_.turn();
  connection_.send("abc");
  shard_.turn();
  EXPECT_EQ(wire_.sends_posted, 1U);
  shard_.sent(connection_, 4);
  EXPECT_EQ(wire_.sends_posted, 2U);
  EXPECT_EQ(wire_.in_flight_bytes, "456789abc");
  shard_.sent_all(connection_);
  EXPECT_EQ(wire_.sent, "0123456789abc");
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "sent 4", "sent 9"}));
  EXPECT_EQ(connection_.send_queue_bytes(), 0U);
  EXPECT_EQ(shard_.core().counters().bytes_sent.get(), 13U);
}

TEST_F(Sending, an_empty_send_succeeds_and_sends_nothing) {
  EXPECT_TRUE(connection_.send("").queued);
  EXPECT_TRUE(connection_.send(std::vector<std::byte>{}).queued);
  EXPECT_TRUE(connection_.send(SharedBytes{}).queued);
  EXPECT_TRUE(connection_.send(std::make_shared<const std::vector<std::byte>>()).queued);
  shard_.turn();
  EXPECT_FALSE(wire_.sending);
}

/// Large enough to be kept as they are.
class SendingMuch : public testing::Test {
 protected:
  static constexpr std::size_t size = BlockPool::block_bytes;

  Recorder handler_;
  Shard shard_{handler_, {.linger_timeout = seconds{5}}};
  Connection connection_ = shard_.connect();
  Wire& wire_ = shard_.wire(connection_);
};

TEST_F(SendingMuch, shared_bytes_are_let_go_when_they_have_left) {
  auto shared = std::make_shared<const std::vector<std::byte>>(size);
  const std::weak_ptr<const std::vector<std::byte>> watch = shared;
  connection_.send(std::move(shared));
  shard_.turn();
  shard_.sent(connection_, size - 1);
  EXPECT_FALSE(watch.expired());
  shard_.sent(connection_, 1);
  EXPECT_TRUE(watch.expired());
}

// What the cap counts is what is held, within a factor of two: a queue of 1 MiB in vectors of one byte was 120 MiB.
TEST_F(SendingMuch, small_pieces_that_are_given_away_share_a_block) {
  shard_.in_one_turn([this] {
    for (int count = 0; count < 500; ++count) {
      connection_.send(bytes_of("m"));
      connection_.send(std::make_shared<const std::vector<std::byte>>(bytes_of("s")));
      connection_.send("c");
    }
  });
  EXPECT_EQ(wire_.in_flight_bytes.size(), 1500U);  // 64 blocks are the most that a write takes
  shard_.sent_all(connection_);
  EXPECT_EQ(wire_.sent.size(), 1500U);
}

TEST_F(SendingMuch, a_vector_of_little_in_much_room_is_not_kept) {
  std::vector<std::byte> bytes(size);
  bytes.reserve(64 * size);
  const std::byte* held = bytes.data();
  connection_.send(std::move(bytes));
  shard_.turn();
  EXPECT_EQ(bytes.data(), held);  // left with its owner
  EXPECT_TRUE(bytes.empty());     // ... who would send them again
}

TEST_F(Sending, received_bytes_may_be_sent_back_as_they_are) {
  handler_.receiving = [](Connection connection, std::string_view text) { connection.send(text); };
  shard_.arrives(connection_, "echo");
  shard_.sent_all(connection_);
  EXPECT_EQ(wire_.sent, "echo");
}

TEST_F(SendingMuch, more_blocks_than_one_write_takes_go_in_several) {
  shard_.in_one_turn([this] {
    for (int part = 0; part < 150; ++part)
      connection_.send(bytes_of(std::string(size, static_cast<char>('0' + part % 10))));
  });
  EXPECT_EQ(wire_.in_flight_bytes.size(), 64 * size);
  shard_.sent_all(connection_);
  EXPECT_EQ(wire_.sent.size(), 150 * size);
  for (std::size_t part = 60; part < 65; ++part) EXPECT_EQ(wire_.sent[part * size], static_cast<char>('0' + part % 10));
}

TEST_F(Sending, the_high_watermark_is_told_above_it_and_not_at_it) {
  EXPECT_FALSE(send(100).above_high_watermark);
  const SendResult above = send(1);
  EXPECT_TRUE(above.queued);
  EXPECT_TRUE(above.above_high_watermark);
}

TEST_F(Sending, on_writable_comes_once_at_the_low_watermark) {
  send(141);
  shard_.sent(connection_, 100);
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "sent 100"}));
  shard_.sent(connection_, 1);
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "sent 100", "sent 1", "writable"}));
  shard_.sent(connection_, 10);
  EXPECT_EQ(handler_.log(connection_).back(), "sent 10");
}

TEST_F(Sending, without_having_been_above_the_high_watermark_there_is_no_on_writable) {
  send(100);
  shard_.sent_all(connection_);
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "sent 100"}));
}

TEST_F(Sending, between_the_watermarks_it_is_still_told_as_above) {
  send(141);
  shard_.sent(connection_, 60);
  EXPECT_TRUE(send(1).above_high_watermark) << "on_writable has not come yet";
}

TEST_F(Sending, what_on_writable_sends_goes_out_in_the_same_turn) {
  handler_.writable = [](Connection connection) { connection.send("more"); };
  send(101);
  shard_.sent(connection_, 101);
  EXPECT_EQ(wire_.in_flight_bytes, "more");
}

TEST_F(Sending, above_the_high_watermark_receiving_pauses_until_the_low_one) {
  send(141);
  EXPECT_TRUE(wire_.receive_cancelled);
  shard_.cancels_end();
  EXPECT_FALSE(wire_.receiving);
  shard_.sent(connection_, 60);
  EXPECT_FALSE(wire_.receiving);
  shard_.sent(connection_, 60);
  EXPECT_TRUE(wire_.receiving);
}

TEST_F(Sending, what_arrives_during_that_pause_is_delivered_after_it) {
  send(141);
  shard_.arrives(connection_, "on its way");
  EXPECT_EQ(handler_.received(connection_), "");
  shard_.cancels_end();
  shard_.sent(connection_, 141);
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "sent 141", "writable", "receive on its way"}));
  EXPECT_TRUE(wire_.receiving);
}

TEST_F(Sending, a_pause_by_the_user_outlasts_the_one_by_pressure) {
  connection_.pause_receive();
  send(141);
  shard_.cancels_end();
  shard_.sent(connection_, 141);
  EXPECT_FALSE(wire_.receiving);
  connection_.resume_receive();
  shard_.turn();
  EXPECT_TRUE(wire_.receiving);
}

TEST_F(Sending, resume_does_not_lift_the_pause_by_pressure) {
  send(141);
  shard_.cancels_end();
  connection_.pause_receive();
  connection_.resume_receive();
  shard_.turn();
  EXPECT_FALSE(wire_.receiving);
  shard_.sent(connection_, 141);
  EXPECT_TRUE(wire_.receiving);
}

TEST(SendingWithoutPause, receiving_goes_on_above_the_high_watermark) {
  Recorder handler;
  Shard shard{handler, {.send_queue_bytes_high = 100, .send_queue_bytes_low = 40, .pause_receive_above_high = false}};
  const Connection connection = shard.connect();
  EXPECT_TRUE(connection.send(std::string(500, 'x')).above_high_watermark);
  shard.turn();
  EXPECT_FALSE(shard.wire(connection).receive_cancelled);
  shard.arrives(connection, "still read");
  EXPECT_EQ(handler.received(connection), "still read");
  shard.sent_all(connection);
  EXPECT_EQ(handler.log(connection).back(), "writable");
}

TEST_F(Sending, the_cap_ends_the_connection) {
  EXPECT_TRUE(send(900).queued);
  EXPECT_TRUE(send(100).queued) << "exactly the cap";
  const SendResult over = connection_.send("x");
  EXPECT_TRUE(over.overflow);
  EXPECT_FALSE(over.queued);
  EXPECT_FALSE(connection_.is_open());
  shard_.turn();
  shard_.run_out();
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::send_overflow);
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 1000U);
  EXPECT_TRUE(wire_.reset);
}

TEST_F(Sending, one_send_over_the_cap_ends_the_connection_whoever_owns_the_bytes) {
  for (int kind = 0; kind < 3; ++kind) {
    const Connection connection = shard_.connect();
    SendResult result;
    if (kind == 0) result = connection.send(std::string(1001, 'x'));
    if (kind == 1) result = connection.send(std::vector<std::byte>(1001));
    if (kind == 2) result = connection.send(std::make_shared<const std::vector<std::byte>>(1001));
    EXPECT_TRUE(result.overflow);
    EXPECT_FALSE(connection.is_open());
  }
}

TEST_F(Sending, a_vector_that_was_refused_is_still_the_callers) {
  std::vector<std::byte> bytes(2000);
  connection_.send(std::move(bytes));
  EXPECT_EQ(bytes.size(), 2000U);
}

TEST_F(SendingMuch, without_memory_the_connection_ends_and_what_was_queued_is_told) {
  connection_.send(std::string(10, 'x'));
  shard_.turn();
  const auto shared = std::make_shared<const std::vector<std::byte>>(size);
  {
    const AllocationsFail fail;
    EXPECT_TRUE(connection_.send(shared).closed);
  }
  EXPECT_FALSE(connection_.is_open());
  shard_.turn();
  shard_.run_out();
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::out_of_resources);
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 10U);
}

// On Windows a lost listener's number may be a client's by the time that its accepts are cancelled. How much of a send
// had left is not known then; it was sent again from its beginning.
TEST_F(Sending, a_send_that_nobody_here_cancelled_is_not_repeated) {
  send(10);
  shard_.send_fails(connection_, linux_errno::canceled);
  shard_.turn();
  shard_.run_out();
  EXPECT_EQ(wire_.sends_posted, 1U);
  EXPECT_TRUE(wire_.reset);
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::network_error);
}

TEST_F(Sending, the_end_of_our_stream_waits_for_what_is_queued) {
  send(10);
  connection_.shutdown_send();
  shard_.turn();
  EXPECT_FALSE(wire_.stream_ended);
  EXPECT_TRUE(connection_.send("x").closed);
  shard_.sent(connection_, 9);
  EXPECT_FALSE(wire_.stream_ended);
  shard_.sent(connection_, 1);
  EXPECT_TRUE(wire_.stream_ended);
  EXPECT_TRUE(connection_.is_open());
}

TEST_F(Sending, after_the_end_of_our_stream_receiving_goes_on) {
  connection_.shutdown_send();
  connection_.shutdown_send();
  shard_.turn();
  EXPECT_TRUE(wire_.stream_ended);
  shard_.arrives(connection_, "answer");
  shard_.peer_ends(connection_);
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "receive answer", "peer_shutdown", "disconnect peer_closed"}));
}

TEST_F(Sending, a_half_closed_peer_can_still_be_sent_to) {
  handler_.peer_ending = [](Connection connection) { connection.send("last words"); };
  shard_.peer_ends(connection_);
  EXPECT_TRUE(connection_.is_open());
  shard_.sent_all(connection_);
  EXPECT_EQ(wire_.sent, "last words");
  connection_.close();
  shard_.turn();
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::peer_closed);
}

TEST_F(Sending, a_send_that_failed_in_part_tells_both) {
  send(10);
  shard_.send_fails(connection_, econnreset, 6);
  shard_.run_out();
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "sent 6", "disconnect peer_reset"}));
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 4U);
}

TEST_F(Sending, a_shortage_is_waited_out_and_no_byte_is_lost) {
  connection_.send("0123456789");
  shard_.turn();
  shard_.send_fails(connection_, no_buffers, 3);
  EXPECT_FALSE(wire_.sending) << "paced";
  EXPECT_TRUE(connection_.is_open());
  shard_.pass(milliseconds{3});
  EXPECT_EQ(wire_.in_flight_bytes, "3456789");
  shard_.sent_all(connection_);
  EXPECT_EQ(wire_.sent, "0123456789");
  EXPECT_EQ(shard_.core().counters().resource_retries.get(), 1U);
}

TEST_F(Sending, a_long_shortage_costs_a_bounded_number_of_attempts) {
  for (const int error : {no_buffers, eagain}) {
    const Connection connection = shard_.connect();
    Wire& wire = shard_.wire(connection);
    connection.send("x");
    shard_.turn();
    for (int ten_milliseconds = 0; ten_milliseconds < 1000; ++ten_milliseconds) {
      while (wire.sending) {
        ASSERT_LE(shard_.posts_at_this_instant, 40U) << "for ever at one instant";
        shard_.send_fails(connection, error);
      }
      shard_.pass(milliseconds{10});
    }
    EXPECT_LE(wire.sends_posted, 60U);
    EXPECT_GE(wire.sends_posted, 10U);
    if (!wire.sending) shard_.pass(seconds{1} + milliseconds{3});
    ASSERT_TRUE(wire.sending) << "not tried again within a second";
    shard_.sent(connection, 1);
    EXPECT_EQ(wire.sent, "x");
  }
}

TEST_F(Sending, a_shortage_after_sends_that_worked_waits_a_millisecond_again) {
  // Only a receive that worked set the wait back: who mostly sends waited a second for every shortage, from the tenth
  // on.
  for (int shortage = 0; shortage < 30; ++shortage) {
    connection_.send("x");
    shard_.turn();
    shard_.send_fails(connection_, no_buffers);
    ASSERT_FALSE(wire_.sending);
    shard_.pass(milliseconds{3});
    ASSERT_TRUE(wire_.sending) << "shortage " << shortage;
    shard_.sent(connection_, 1);
  }
}

}  // namespace
}  // namespace iocpp::core

// Sending what was received from where it lies: when, and what becomes of it where the system does not take all at
// once.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/allocations.hpp"
#include "core/recorder.hpp"
#include "core/shard.hpp"

namespace iocpp::core {
namespace {

using Log = Recorder::Log;

/// Received and queued to be sent, `size` bytes of each.
std::string text_of(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t at = 0; at < size; ++at) text[at] = static_cast<char>('a' + at % 23);
  return text;
}

class Lending : public testing::Test {
 protected:
  static constexpr std::size_t least = 8;

  Lending() {
    handler_.receiving = [this](Connection connection, std::string_view text) {
      received_at_ = text.data();
      connection.send(text);
    };
  }

  const char* sent_from() const { return reinterpret_cast<const char*>(wire_.in_flight.at(0).bytes); }

  Recorder handler_;
  Shard shard_{handler_,
               {.send_queue_bytes_high = 50'000,
                .send_queue_bytes_low = 10'000,
                .send_queue_bytes_max = 100'000,
                .lend_bytes_min = least}};
  Connection connection_ = shard_.connect();
  Wire& wire_ = shard_.wire(connection_);
  const char* received_at_ = nullptr;
};

TEST_F(Lending, received_bytes_leave_from_where_they_lie) {
  shard_.arrives(connection_, "received bytes");
  EXPECT_EQ(wire_.lent_posted, 1U);
  EXPECT_EQ(sent_from(), received_at_);
  EXPECT_EQ(connection_.send_queue_bytes(), 14U);
  shard_.sent(connection_, 14);
  EXPECT_EQ(wire_.sent, "received bytes");
  EXPECT_EQ(handler_.log(connection_), (Log{"connect", "receive received bytes", "sent 14"}));
  EXPECT_EQ(shard_.core().counters().bytes_sent.get(), 14U);
  EXPECT_EQ(connection_.send_queue_bytes(), 0U);
}

TEST_F(Lending, so_does_a_part_of_them_and_the_next_ones) {
  handler_.receiving = [](Connection connection, std::string_view text) { connection.send(text.substr(3, 10)); };
  for (int receive = 0; receive < 3; ++receive) {
    shard_.arrives(connection_, "abc0123456789xyz");
    shard_.sent_all(connection_);
  }
  EXPECT_EQ(wire_.lent_posted, 3U);
  EXPECT_EQ(wire_.sent, "012345678901234567890123456789");
}

TEST_F(Lending, another_connection_may_send_them_too) {
  const Connection other = shard_.connect();
  handler_.receiving = [&](Connection connection, std::string_view text) {
    connection.send(text);
    other.send(text);
  };
  shard_.arrives(connection_, "for all of you");
  EXPECT_EQ(wire_.lent_posted + shard_.wire(other).lent_posted, 2U);
  shard_.sent_all(connection_);
  shard_.sent_all(other);
  EXPECT_EQ(wire_.sent, "for all of you");
  EXPECT_EQ(shard_.wire(other).sent, "for all of you");
}

TEST_F(Lending, few_bytes_are_copied) {
  shard_.arrives(connection_, text_of(least - 1));
  EXPECT_EQ(wire_.lent_posted, 0U);
  EXPECT_NE(sent_from(), received_at_);
  shard_.sent_all(connection_);
  shard_.arrives(connection_, text_of(least));
  EXPECT_EQ(wire_.lent_posted, 1U);
}

TEST_F(Lending, behind_what_is_queued_they_are_copied) {
  shard_.in_one_turn([this] {
    connection_.send("first ");
    shard_.arrives(connection_, "received bytes");
  });
  EXPECT_EQ(wire_.lent_posted, 0U);
  shard_.arrives(connection_, " and while it is in flight");
  shard_.sent_all(connection_);
  EXPECT_EQ(wire_.lent_posted, 0U);
  EXPECT_EQ(wire_.sent, "first received bytes and while it is in flight");
}

TEST_F(Lending, what_is_queued_behind_them_goes_with_them) {
  shard_.in_one_turn([this] {
    shard_.arrives(connection_, "received bytes");
    connection_.send(", and others");
    shard_.arrives(connection_, ", and received ones");
  });
  EXPECT_EQ(wire_.lent_posted, 1U);
  shard_.sent(connection_, 20);
  EXPECT_EQ(wire_.in_flight_bytes, "others, and received ones");
  shard_.sent_all(connection_);
  EXPECT_EQ(wire_.sent, "received bytes, and others, and received ones");
}

TEST_F(Lending, other_bytes_are_copied) {
  const std::string own = text_of(100);
  handler_.receiving = [&](Connection connection, std::string_view) { connection.send(own); };
  shard_.arrives(connection_, "received bytes");
  EXPECT_EQ(wire_.lent_posted, 0U);
  EXPECT_NE(sent_from(), own.data());
}

TEST_F(Lending, what_was_kept_during_a_pause_is_copied) {
  connection_.pause_receive();
  shard_.turn();
  shard_.arrives(connection_, "on their way");
  connection_.resume_receive();
  shard_.turn();
  EXPECT_EQ(wire_.lent_posted, 0U);
  EXPECT_EQ(wire_.in_flight_bytes, "on their way");
}

TEST_F(Lending, the_rest_of_a_short_one_is_copied_and_follows) {
  const std::string text = text_of(5000);
  shard_.arrives(connection_, text);
  shard_.sent(connection_, 1);
  EXPECT_EQ(wire_.lent_posted, 1U);
  EXPECT_TRUE(wire_.sending);
  EXPECT_EQ(connection_.send_queue_bytes(), 4999U);
  shard_.sent_all(connection_);
  EXPECT_EQ(wire_.sent, text);
  EXPECT_EQ(handler_.log(connection_).back(), "sent 4999");
}

TEST_F(Lending, without_room_for_a_byte_it_becomes_an_ordinary_send_at_once) {
  shard_.arrives(connection_, "received bytes");
  shard_.send_fails(connection_, eagain);
  EXPECT_TRUE(wire_.sending);
  EXPECT_EQ(wire_.lent_posted, 1U);
  EXPECT_EQ(shard_.core().counters().resource_retries.get(), 0U);
  shard_.sent_all(connection_);
  EXPECT_EQ(wire_.sent, "received bytes");
}

TEST_F(Lending, a_shortage_is_waited_out_and_no_byte_is_lost) {
  shard_.arrives(connection_, "received bytes");
  shard_.send_fails(connection_, no_buffers);
  EXPECT_FALSE(wire_.sending);
  EXPECT_EQ(shard_.core().counters().resource_retries.get(), 1U);
  shard_.pass(std::chrono::milliseconds{3});
  shard_.sent_all(connection_);
  EXPECT_EQ(wire_.sent, "received bytes");
}

TEST_F(Lending, what_finds_no_room_to_be_posted_is_copied) {
  const std::vector<Connection> others{shard_.connect(), shard_.connect()};
  shard_.room = 1;
  shard_.in_one_turn([&] {
    shard_.arrives(connection_, "received bytes");
    for (const Connection other : others) shard_.arrives(other, "others' bytes");
  });
  shard_.room = ~0U;
  shard_.turn();
  EXPECT_EQ(shard_.lent_posted(), 1U);
  for (const Connection other : others) EXPECT_EQ(shard_.wire(other).in_flight_bytes, "others' bytes");
}

TEST_F(Lending, without_memory_for_the_rest_the_connection_ends) {
  std::optional<AllocationsFail> fail;
  handler_.sending = [&](Connection, std::size_t) { fail.emplace(); };
  shard_.arrives(connection_, text_of(5000));
  shard_.sent(connection_, 1000);
  fail.reset();
  shard_.run_out();
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::out_of_resources);
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 4000U);
}

TEST_F(Lending, an_abort_waits_for_the_end_of_the_send) {
  shard_.arrives(connection_, "received bytes");
  connection_.abort();
  shard_.turn();
  EXPECT_FALSE(handler_.ended(connection_));
  EXPECT_TRUE(wire_.lent_from) << "the buffer is still read from";
  shard_.sent(connection_, 5);
  shard_.run_out();
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::local_abort);
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 9U);
}

TEST_F(Lending, aborted_before_it_was_posted_nothing_is_read_any_more) {
  handler_.receiving = [](Connection connection, std::string_view text) {
    connection.send(text);
    connection.abort();
  };
  shard_.arrives(connection_, "received bytes");
  shard_.run_out();
  EXPECT_EQ(wire_.sends_posted, 0U);
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 14U);
}

TEST_F(Lending, a_close_sends_all_of_them_first) {
  handler_.receiving = [](Connection connection, std::string_view text) {
    connection.send(text);
    connection.close();
  };
  shard_.arrives(connection_, "received bytes");
  EXPECT_EQ(wire_.lent_posted, 1U);
  shard_.sent(connection_, 3);
  EXPECT_FALSE(wire_.stream_ended);
  shard_.sent_all(connection_);
  EXPECT_TRUE(wire_.stream_ended);
  EXPECT_EQ(wire_.sent, "received bytes");
}

}  // namespace
}  // namespace iocpp::core

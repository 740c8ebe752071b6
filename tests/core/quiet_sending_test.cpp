// Sends whose success wakes nobody: which they are, and what becomes of one that had too little room.
#include <gtest/gtest.h>

#include <string>

#include "core/recorder.hpp"
#include "core/shard.hpp"

namespace iocpp::core {
namespace {

class QuietSending : public testing::Test {
 protected:
  QuietSending() { detail::HandlerTraits::set_hears_sent(handler_, false); }

  const Slot& slot() const { return *shard_.slot(connection_); }
  std::uint64_t bytes_sent() { return shard_.core().counters().bytes_sent.get(); }
  /// Queued in a turn of its own.
  void send(std::string_view text) {
    shard_.in_one_turn([&] { connection_.send(text); });
  }

  Recorder handler_;
  Shard shard_{handler_, {.send_queue_bytes_high = 50'000, .send_queue_bytes_low = 10'000}};
  Connection connection_ = shard_.connect();
  Wire& wire_ = shard_.wire(connection_);
};

TEST_F(QuietSending, counts_when_it_is_posted) {
  send("message");
  EXPECT_EQ(wire_.quiet_posted, 1U);
  EXPECT_EQ(bytes_sent(), 7U);
  EXPECT_FALSE(slot().hurries());
  shard_.sent(connection_, 7);
  EXPECT_EQ(bytes_sent(), 7U);
  EXPECT_EQ(connection_.send_queue_bytes(), 0U);
  EXPECT_EQ(wire_.sends_posted, 1U);
}

TEST_F(QuietSending, is_not_for_a_handler_that_waits_for_on_sent) {
  detail::HandlerTraits::set_hears_sent(handler_, true);
  send("message");
  EXPECT_EQ(wire_.quiet_posted, 0U);
  EXPECT_EQ(wire_.sends_posted, 1U);
}

TEST_F(QuietSending, hurries_where_more_is_queued_behind_it) {
  send("first");
  send("second");
  EXPECT_TRUE(slot().hurries());
  shard_.sent(connection_, 5);
  EXPECT_FALSE(slot().hurries());
  shard_.sent_all(connection_);
  EXPECT_EQ(wire_.sent, "firstsecond");
  EXPECT_EQ(bytes_sent(), 11U);
}

TEST_F(QuietSending, hurries_where_the_stream_ends_behind_it) {
  send("last");
  shard_.in_one_turn([&] { connection_.shutdown_send(); });
  EXPECT_TRUE(slot().hurries());
  EXPECT_FALSE(wire_.stream_ended);
  shard_.sent(connection_, 4);
  EXPECT_TRUE(wire_.stream_ended);
}

TEST_F(QuietSending, hurries_where_the_connection_is_aborted_and_needs_no_cancel) {
  send("lost");
  shard_.in_one_turn([&] { connection_.abort(); });
  EXPECT_TRUE(slot().hurries());
  EXPECT_FALSE(wire_.send_cancelled);
  shard_.sent(connection_, 4);
  shard_.run_out();
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 0U);
  EXPECT_EQ(bytes_sent(), 4U);
}

TEST_F(QuietSending, with_too_little_room_the_rest_waits_for_it) {
  send("message");
  shard_.sent(connection_, 3);
  EXPECT_EQ(wire_.quiet_posted, 1U);
  EXPECT_EQ(wire_.sends_posted, 2U);
  EXPECT_EQ(bytes_sent(), 3U);
  shard_.sent(connection_, 4);
  EXPECT_EQ(wire_.sent, "message");
  EXPECT_EQ(bytes_sent(), 7U);
  send("again");
  EXPECT_EQ(wire_.quiet_posted, 2U) << "once there was room";
  shard_.sent_all(connection_);
}

TEST_F(QuietSending, with_no_room_all_of_it_waits_for_it) {
  send("message");
  shard_.send_fails(connection_, eagain);
  EXPECT_EQ(wire_.quiet_posted, 1U);
  EXPECT_EQ(wire_.sends_posted, 2U);
  EXPECT_EQ(bytes_sent(), 0U);
  shard_.sent_all(connection_);
  EXPECT_EQ(wire_.sent, "message");
}

TEST_F(QuietSending, that_fails_ends_the_connection) {
  send("message");
  shard_.send_fails(connection_, econnreset);
  shard_.run_out();
  EXPECT_EQ(handler_.end(connection_).reason, DisconnectReason::peer_reset);
  EXPECT_EQ(handler_.end(connection_).unsent_bytes, 7U);
  EXPECT_EQ(bytes_sent(), 0U);
}

TEST_F(QuietSending, is_for_small_messages_alone) {
  send(std::string(4097, 'x'));
  EXPECT_EQ(wire_.quiet_posted, 0U);
}

struct Silent : Handler {};
struct Hearing : Handler {
  void on_sent(Connection, std::size_t) override {}
};
struct BelowHearing : Hearing {};
struct Secret : Handler {
 private:
  void on_sent(Connection, std::size_t) override {}
};

TEST(HandlerTraits, know_whether_anybody_waits_for_on_sent) {
  Silent silent;
  Hearing hearing;
  BelowHearing below;
  Secret secret;
  EXPECT_FALSE(detail::HandlerTraits::hears_sent(detail::HandlerTraits::note(silent)));
  EXPECT_TRUE(detail::HandlerTraits::hears_sent(detail::HandlerTraits::note(hearing)));
  EXPECT_TRUE(detail::HandlerTraits::hears_sent(detail::HandlerTraits::note(below)));
  EXPECT_TRUE(detail::HandlerTraits::hears_sent(detail::HandlerTraits::note(secret)));
}

TEST(HandlerTraits, are_not_those_of_a_base) {
  struct Below : Silent {
    void on_sent(Connection, std::size_t) override {}
  } below;
  EXPECT_TRUE(detail::HandlerTraits::hears_sent(detail::HandlerTraits::note<Silent>(below)));
  Silent silent;
  EXPECT_TRUE(detail::HandlerTraits::hears_sent(detail::HandlerTraits::note<Handler>(silent))) << "what is not known";
}

}  // namespace
}  // namespace iocpp::core

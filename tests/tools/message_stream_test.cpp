#include "stress/message_stream.hpp"

#include <gtest/gtest.h>

namespace {

using stress::MessageStream;

TEST(MessageStream, depth_bounds_what_may_be_sent) {
  MessageStream stream{10, 2, 100};
  for (int i = 0; i < 5; ++i) stream.release();
  EXPECT_EQ(stream.sendable_bytes(), 20U);
  stream.on_sent(15);
  EXPECT_EQ(stream.sendable_bytes(), 5U);
  EXPECT_TRUE(stream.on_received(9));
  EXPECT_EQ(stream.completed(), 0U);
  EXPECT_EQ(stream.sendable_bytes(), 5U);
  EXPECT_TRUE(stream.on_received(1));
  EXPECT_EQ(stream.completed(), 1U);
  EXPECT_EQ(stream.sendable_bytes(), 15U);
}

TEST(MessageStream, more_back_than_was_sent_is_refused) {
  MessageStream stream{10, 1, 1};
  stream.release();
  stream.on_sent(6);
  EXPECT_FALSE(stream.on_received(7));
  EXPECT_TRUE(stream.on_received(6));
}

TEST(MessageStream, finished_when_the_quota_has_come_back) {
  MessageStream stream{10, 1, 1};
  EXPECT_FALSE(stream.finished());
  stream.release();
  EXPECT_FALSE(stream.quota_left());
  stream.on_sent(10);
  EXPECT_FALSE(stream.finished());
  EXPECT_TRUE(stream.on_received(10));
  EXPECT_TRUE(stream.finished());
}

TEST(MessageStream, stop_keeps_the_message_that_was_begun) {
  MessageStream stream{10, 1, 100};
  for (int i = 0; i < 3; ++i) stream.release();
  stream.on_sent(4);
  EXPECT_EQ(stream.stop(), 2U);
  EXPECT_EQ(stream.sendable_bytes(), 6U);
  stream.on_sent(6);
  EXPECT_TRUE(stream.on_received(10));
  EXPECT_TRUE(stream.finished());
}

}  // namespace

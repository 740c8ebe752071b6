#include "stress/push.hpp"

#include <gtest/gtest.h>

#include "small_server.hpp"

namespace {

using namespace std::chrono_literals;
using stress::Fault;
using stress::PushOptions;
using stress::PushResult;

PushOptions push_to(const stress::SocketAddress& target) {
  PushOptions options;
  options.target = target;
  options.connections = 3;
  options.duration = 50ms;
  return options;
}

Behaviour discard() {
  Behaviour behaviour;
  behaviour.answers = false;
  return behaviour;
}

TEST(Push, every_byte_reaches_the_server) {
  SmallServer server{discard()};
  const PushResult result = stress::run_push(push_to(server.address()));
  EXPECT_TRUE(result.passed());
  EXPECT_GT(result.bytes, 0U);
  EXPECT_EQ(server.bytes_received(), result.bytes);
}

TEST(Push, rate_is_not_passed) {
  SmallServer server{discard()};
  PushOptions options = push_to(server.address());
  options.bytes = 1000;
  options.rate = 1'000'000;
  const PushResult result = stress::run_push(options);
  EXPECT_TRUE(result.passed());
  EXPECT_LE(result.bytes, 50'000U + options.bytes) << "what 50 ms allow, and the write that reaches it";
}

TEST(Push, server_that_answers_is_no_discard_server) {
  SmallServer server;
  const PushResult result = stress::run_push(push_to(server.address()));
  EXPECT_EQ(result.faults[Fault::wrong_bytes], 3U);
}

TEST(Push, server_that_does_not_read_times_out) {
  Behaviour behaviour;
  behaviour.reads = false;
  SmallServer server{behaviour};
  PushOptions options = push_to(server.address());
  options.timeout = 200ms;
  const PushResult result = stress::run_push(options);
  EXPECT_EQ(result.faults[Fault::timed_out], 3U);
  EXPECT_FALSE(result.passed());
}

}  // namespace

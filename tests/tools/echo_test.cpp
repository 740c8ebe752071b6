#include "stress/echo.hpp"

#include <gtest/gtest.h>

#include "small_server.hpp"

namespace {

using namespace std::chrono_literals;
using stress::EchoOptions;
using stress::EchoResult;
using stress::Fault;

EchoOptions echo_of(std::uint64_t messages, const stress::SocketAddress& target) {
  EchoOptions options;
  options.target = target;
  options.connections = 4;
  options.messages = messages;
  options.verify = true;
  return options;
}

TEST(Echo, sends_exactly_the_messages_asked_for) {
  SmallServer server;
  const EchoResult result = stress::run_echo(echo_of(1003, server.address()));
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(result.messages, 1003U);
  EXPECT_EQ(result.bytes, 1003U * 64);
  EXPECT_EQ(result.latency.count(), 1003U);
  EXPECT_EQ(server.bytes_received(), 1003U * 64);
}

TEST(Echo, fewer_messages_than_connections) {
  SmallServer server;
  const EchoResult result = stress::run_echo(echo_of(1, server.address()));
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(result.messages, 1U);
}

TEST(Echo, large_messages_in_flight_do_not_lock_up) {
  SmallServer server;
  EchoOptions options = echo_of(64, server.address());
  options.bytes = 1 << 20;
  options.depth = 8;
  const EchoResult result = stress::run_echo(options);
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(result.bytes, std::uint64_t{64} << 20);
}

TEST(Echo, splits_and_slow_readers_keep_every_byte) {
  SmallServer server;
  EchoOptions options = echo_of(40, server.address());
  options.bytes = 100'000;
  options.depth = 3;
  options.split = true;
  options.slow_reader_share = 0.5;
  options.slow_read_bytes = 60'000;
  options.slow_read_pause = 100us;
  options.threads = 2;
  const EchoResult result = stress::run_echo(options);
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(result.bytes, 40U * 100'000);
}

TEST(Echo, one_wrong_bit_is_seen) {
  Behaviour behaviour;
  behaviour.flip_at = 70'001;
  SmallServer server{behaviour};
  EchoOptions options = echo_of(8, server.address());
  options.bytes = 50'000;
  const EchoResult result = stress::run_echo(options);
  EXPECT_EQ(result.faults[Fault::wrong_bytes], 4U);
  EXPECT_FALSE(result.passed());
}

TEST(Echo, of_a_server_that_is_no_echo_server_says_how_it_answers) {
  Behaviour behaviour;
  behaviour.greeting = std::string(50, 'a');
  SmallServer server{behaviour};
  EXPECT_EQ(stress::run_echo(echo_of(8, server.address())).faults.wrong_answer().text(),
            '"' + std::string(40, 'a') + "\": is it an echo server?");
  behaviour.greeting.clear();
  behaviour.flip_at = 100'000;
  SmallServer late{behaviour};
  EchoOptions options = echo_of(8, late.address());
  options.bytes = 50'000;
  EXPECT_TRUE(stress::run_echo(options).faults.wrong_answer().empty()) << "an echo server, with a mistake";
}

TEST(Echo, wrong_bits_pass_where_nobody_verifies) {
  Behaviour behaviour;
  behaviour.flip_at = 3;
  SmallServer server{behaviour};
  EchoOptions options = echo_of(8, server.address());
  options.verify = false;
  EXPECT_TRUE(stress::run_echo(options).passed());
}

TEST(Echo, connection_that_ends_in_the_middle_is_an_error) {
  Behaviour behaviour;
  behaviour.end_after = 100;
  SmallServer server{behaviour};
  const EchoResult result = stress::run_echo(echo_of(1000, server.address()));
  EXPECT_EQ(result.faults[Fault::closed_early] + result.faults[Fault::reset_early], 4U);
  EXPECT_EQ(result.messages, 4U) << "one whole message of 64 bytes on each connection";
}

TEST(Echo, refused_connections_are_counted) {
  RefusingPort port;
  const EchoResult result = stress::run_echo(echo_of(1000, port.address()));
  EXPECT_EQ(result.faults[Fault::connect_refused], 4U);
  EXPECT_EQ(result.connections, 0U);
  EXPECT_FALSE(result.passed());
}

TEST(Echo, connections_that_the_server_resets_at_once_were_established) {
  Behaviour behaviour;
  behaviour.end_after = 0;
  behaviour.end = Behaviour::End::reset;
  SmallServer server{behaviour};
  EchoOptions options = echo_of(1000, server.address());
  options.connections = 100;
  const EchoResult result = stress::run_echo(options);
  EXPECT_EQ(result.faults[Fault::closed_without_answer], 100U);
  EXPECT_EQ(result.connections, 100U);
}

TEST(Echo, by_time_ends_in_order) {
  SmallServer server;
  EchoOptions options = echo_of(0, server.address());
  options.duration = 50ms;
  options.depth = 4;
  const EchoResult result = stress::run_echo(options);
  EXPECT_TRUE(result.passed());
  EXPECT_GT(result.messages, 0U);
  EXPECT_EQ(result.latency.count(), result.messages);
}

TEST(Echo, at_a_rate_every_message_is_sent_and_answered) {
  SmallServer server;
  EchoOptions options = echo_of(200, server.address());
  options.rate = 10'000;
  options.threads = 2;
  const EchoResult result = stress::run_echo(options);
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(result.messages, 200U);
  EXPECT_EQ(result.latency.count(), 200U);
}

TEST(Echo, at_a_rate_what_could_not_be_sent_counts_in_the_latencies) {
  Behaviour behaviour;
  behaviour.answers = false;
  SmallServer server{behaviour};
  EchoOptions options = echo_of(0, server.address());
  options.connections = 1;
  options.rate = 1000;
  options.duration = 100ms;
  options.timeout = 200ms;
  const EchoResult result = stress::run_echo(options);
  EXPECT_EQ(result.messages, 0U);
  EXPECT_EQ(result.unsent, 99U) << "100 were due, the first of them at the start, and it was sent";
  EXPECT_EQ(result.latency.count(), result.unsent);
  EXPECT_GE(result.latency.maximum(), 98'000'000U) << "the second has waited since the first millisecond";
  EXPECT_EQ(result.faults[Fault::timed_out], 1U);
}

}  // namespace

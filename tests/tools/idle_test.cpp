#include "stress/idle.hpp"

#include <gtest/gtest.h>

#include "small_server.hpp"
#include "stress/report.hpp"
#include "support/resets.hpp"

namespace {

using namespace std::chrono_literals;
using stress::Fault;
using stress::IdleOptions;
using stress::IdleResult;
using stress::ServerCost;

IdleOptions idle_to(const stress::SocketAddress& target) {
  IdleOptions options;
  options.target = target;
  options.connections = 7;
  options.threads = 2;
  options.hold = 60ms;
  return options;
}

Behaviour that_ends_all(Behaviour::End end) {
  Behaviour behaviour;
  behaviour.end_after = 0;
  behaviour.end = end;
  return behaviour;
}

TEST(Idle, connections_are_still_there_where_nobody_ends_them_and_have_said_nothing) {
  SmallServer server;
  const IdleResult result = stress::run_idle(idle_to(server.address()));
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(result.established, 7U);
  EXPECT_EQ(result.still_connected, 7U);
  EXPECT_EQ(result.ended_in_order + result.reset, 0U);
  EXPECT_FALSE(result.first_end);
  EXPECT_FALSE(result.last_end);
  EXPECT_GE(result.duration, 60ms);
  EXPECT_EQ(server.bytes_received(), 0U);
}

TEST(Idle, ends_in_order_are_no_failure_and_end_the_run) {
  SmallServer server{that_ends_all(Behaviour::End::in_order)};
  IdleOptions options = idle_to(server.address());
  options.hold = 1h;
  const IdleResult result = stress::run_idle(options);
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(result.established, 7U);
  EXPECT_EQ(result.still_connected, 0U);
  EXPECT_EQ(result.ended_in_order, 7U);
  ASSERT_TRUE(result.first_end && result.last_end);
  EXPECT_GE(*result.last_end, *result.first_end);
  EXPECT_LE(*result.last_end, result.duration);
  if (result.server) {
    EXPECT_FALSE(result.server->bytes_each()) << "none was left";
  }
}

TEST(Idle, resets_are_counted_as_such_also_those_that_came_while_others_connected) {
  if (!iocpp::tests::resets_are_told()) GTEST_SKIP() << "this system tells a reset as an end in order (Wine)";
  Behaviour behaviour = that_ends_all(Behaviour::End::reset);
  behaviour.backlog = 512;  // beyond it Linux may let go of a handshake that is over for the client (SYN cookies)
  SmallServer server{behaviour};
  IdleOptions options = idle_to(server.address());
  options.connections = 300;  // more than connect at once
  options.hold = 1h;
  const IdleResult result = stress::run_idle(options);
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(result.established, 300U);
  EXPECT_EQ(result.reset, 300U);
  EXPECT_EQ(result.faults.total(), 0U);
  EXPECT_TRUE(result.first_end);
}

TEST(Idle, refused_port_is_a_failure_and_no_server_to_be_measured) {
  const RefusingPort port;
  const IdleResult result = stress::run_idle(idle_to(port.address()));
  EXPECT_FALSE(result.passed());
  EXPECT_EQ(result.established, 0U);
  EXPECT_EQ(result.faults[Fault::connect_refused], 7U);
  EXPECT_FALSE(result.server);
  EXPECT_NE(result.why, "");
}

TEST(Idle, cost_of_each_is_the_growth_by_those_that_were_there) {
  ServerCost cost;
  cost.resident_before = 10'000;
  cost.resident_held = 14'000;
  cost.resident_end = 99'000;
  cost.cpu = 50ms;
  cost.cpu_measured = 2s;
  EXPECT_FALSE(cost.bytes_each());
  EXPECT_FALSE(cost.cpu_share());
  cost.held = 40;
  EXPECT_DOUBLE_EQ(cost.bytes_each().value(), 100);
  EXPECT_DOUBLE_EQ(cost.cpu_share().value(), 0.025);
  cost.resident_held = 8'000;
  EXPECT_DOUBLE_EQ(cost.bytes_each().value(), -50);
}

// A server that had had as many before was told to hold 0 B a connection.
TEST(Idle, memory_of_earlier_connections_is_not_taken_for_none) {
  IdleResult result;
  result.server = ServerCost{};
  result.server->resident_before = result.server->resident_held = 10'000;
  result.server->held = 40;
  const auto said = [&] {
    for (const program::Figure& figure : figures_of(result)) {
      if (figure.label == "user memory a connection") return figure.text;
    }
    return std::string{};
  };
  EXPECT_EQ(said(), "not to be told: the server has kept memory of earlier connections");
  result.server->resident_held = 14'000;
  EXPECT_EQ(said(), "100 B (the kernel's is not in it)");
}

}  // namespace

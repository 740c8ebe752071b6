// What a user is told when a simulated test fails.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "user_tests.hpp"

namespace iocpp {
namespace {

using namespace std::chrono_literals;

TEST(UserSimulationFailure, of_an_expectation_says_who_expected_what_and_what_came) {
  Echo echo;
  EXPECT_EQ(violation_of(echo, [](Simulation& it) { it.connect().send("ab\n").expect("ac\n"); }),
            R"(peer 0, step 2, expects "ac\n": it received "ab\n")");
  EXPECT_EQ(violation_of(echo, [](Simulation& it) { it.connect().send("ab").expect_end(); }),
            R"(peer 0, step 2, expects the end of the stream: it received "ab", nothing more came)");
  EXPECT_EQ(violation_of(echo, [](Simulation& it) { it.connect().half_close().expect("x"); }),
            R"(peer 0, step 2, expects "x": the server ended its stream)");
  EXPECT_EQ(violation_of(echo, [](Simulation& it) { it.connect().expect_reset(); }),
            "peer 0, step 1, expects a reset: nothing more came");
  EXPECT_EQ(violation_of(echo, [](Simulation& it) { it.connect().close().send("x"); }),
            R"(peer 0, step 2, sends "x": it has left, and its script goes on)");
}

// A wrong answer alone did not say where in the conversation it came.
TEST(UserSimulationFailure, of_an_expectation_says_what_had_come_before) {
  const auto before_of = [](const std::function<void(Simulation&)>& script) {
    Echo echo;
    Simulation simulation;
    simulation.serve(echo);
    script(simulation);
    return simulation.run().received_before;
  };
  EXPECT_EQ(before_of([](Simulation& it) { it.connect().send("a\nbcd").expect("a\n").expect_bytes(2).expect("x"); }),
            R"("a\nbc")");
  EXPECT_EQ(before_of([](Simulation& it) { it.connect().send("ab").expect("x"); }), "");
  EXPECT_EQ(before_of([](Simulation& it) { it.connect().send("ab").expect("ab"); }), "");
  const std::string most(60, 'a');
  const auto long_before = [&](std::size_t count) {
    return before_of([&](Simulation& it) {
      it.connect().send("-");  // another one's
      it.connect().send(std::string(count, 'b') + most + "c").expect_bytes(count + most.size()).expect_end();
    });
  };
  EXPECT_EQ(long_before(0), '"' + most + '"');
  EXPECT_EQ(long_before(1), "... \"" + most + '"');
}

TEST(UserSimulationFailure, of_a_line_says_what_came_and_what_had_come_before) {
  const auto has_two = [](std::string_view line) { return line.size() == 2; };
  Echo echo;
  EXPECT_EQ(violation_of(echo,
                         [&](Simulation& it) {
                           it.connect().send("ab\n\ncde").expect_line(has_two).expect_line().expect("cd").close();
                         }),
            "");
  EXPECT_EQ(
      violation_of(echo, [&](Simulation& it) { it.connect().send("ab\nc\n").expect_line().expect_line(has_two); }),
      R"(peer 0, step 3, expects a line that fits: it received "c\n")");
  EXPECT_EQ(violation_of(echo, [](Simulation& it) { it.connect().send("ab").expect_line(); }),
            R"(peer 0, step 2, expects a line: it received "ab", nothing more came)");
  EXPECT_EQ(violation_of(echo,
                         [](Simulation& it) {
                           it.connect().send("a\n").expect_line([](auto) -> bool { throw std::logic_error{"x"}; });
                         }),
            "peer 0, step 2: the check threw: x");
  Simulation simulation;
  simulation.serve(echo);
  simulation.connect().send("first\nx\n").expect_line().expect("y");
  EXPECT_EQ(simulation.run().received_before, R"("first\n")");
}

TEST(UserSimulationFailure, of_a_handler_that_throws_is_its_text_or_a_connections_end) {
  struct Thrower : Handler {
    void on_receive(Connection, std::span<const std::byte>) override { throw std::runtime_error{"no such word"}; }
  } handler;
  const auto script = [](Simulation& it) { it.connect().send("x").expect_reset(); };
  EXPECT_EQ(violation_of(handler, script), "the handler threw: no such word");
  EXPECT_EQ(violation_of(handler, script, {.exceptions_fail = false}), "");
}

TEST(UserSimulationFailure, of_a_check_a_task_or_fail_is_told) {
  Echo echo;
  EXPECT_EQ(violation_of(echo, [](Simulation& it) { it.check("one is two", [] { return 1 == 2; }); }),
            "this does not hold: one is two");
  EXPECT_EQ(violation_of(echo, [](Simulation& it) { it.check("it", []() -> bool { throw std::logic_error{"x"}; }); }),
            "it: the check threw: x");
  EXPECT_EQ(violation_of(echo, [](Simulation& it) { it.fail("because"); }), "because");
  EXPECT_EQ(violation_of(echo,
                         [](Simulation& it) {
                           it.after(1ms, [] { throw std::logic_error{"y"}; });
                           it.connect().wait(1s);
                         }),
            "a task threw: y");
}

TEST(UserSimulationFailure, of_a_connection_that_is_never_closed_is_told) {
  struct Holds : Handler {
    void on_peer_shutdown(Connection) override {}
  } handler;
  const std::string violation = violation_of(handler, [](Simulation& it) { it.connect().half_close(); });
  EXPECT_NE(violation.find("a connection whose peer has gone does not end"), std::string::npos) << violation;
}

/// Says to everybody what one says, on whichever shard: as one does who has not read docs/THREADING.md.
struct ToAll : Handler {
  explicit ToAll(std::vector<Connection>& everybody) : all{everybody} {}
  void on_connect(Connection connection) override { all.push_back(connection); }
  void on_receive(Connection, std::span<const std::byte> bytes) override {
    for (const Connection each : all) each.send(bytes);
  }
  void on_disconnect(Connection connection, const Disconnect&) override {
    std::erase_if(all, [&](Connection each) { return each.id() == connection.id(); });
  }
  std::vector<Connection>& all;
};

TEST(UserSimulationFailure, of_a_connection_that_is_used_on_another_shard_is_told) {
  std::vector<Connection> all;
  Simulation simulation{{.server = {.shards = 4}}};
  simulation.serve([&](unsigned) { return std::make_unique<ToAll>(all); });
  for (int peer = 0; peer < 8; ++peer) simulation.connect().wait(1s).send("all").wait(1s);
  EXPECT_TRUE(simulation.run().violation.starts_with("a Connection was used where it must not be"))
      << simulation.run().violation;
}

TEST(UserSimulationFailure, of_a_connection_that_a_task_from_outside_uses_is_told) {
  std::vector<Connection> all;
  ToAll handler{all};
  const std::string violation = violation_of(handler, [&](Simulation& it) {
    it.connect().wait(1min);
    it.after(1s, [&] { all.front().send("from outside"); });
  });
  EXPECT_TRUE(violation.starts_with("a Connection was used where it must not be")) << violation;
}

TEST(UserSimulationFailure, of_a_run_without_an_end_is_told) {
  struct Restless : Handler {
    explicit Restless(Simulation& own) : simulation{own} {}
    void on_connect(Connection) override { again(); }
    void again() {
      EXPECT_FALSE(simulation.post(0, [this] { again(); }));
    }
    Simulation& simulation;
  };
  Simulation simulation{{.events_max = 100'000}};
  Restless handler{simulation};
  simulation.serve(handler);
  simulation.connect().wait(24h);
  EXPECT_NE(simulation.run().violation, "");
}

TEST(UserSimulationFailure, has_steps_and_a_replay) {
  Echo echo;
  Simulation simulation{{.seed = 4, .faults = FaultRate::light, .random_peers = 2}};
  simulation.serve(echo);
  simulation.connect().send("a").expect("b");
  const SimulationResult& result = simulation.run();
  ASSERT_FALSE(result.passed());
  EXPECT_FALSE(result.last_steps.empty());
  EXPECT_EQ(result.replay, "seed=4 system=epoll faults=light random_peers=2");
  EXPECT_NE(result.text().find(result.replay), std::string::npos);
}

TEST(UserSimulationFailure, shows_what_had_come_before_in_its_text) {
  Echo echo;
  Simulation simulation;
  simulation.serve(echo);
  simulation.connect().send("ab").expect("a").expect("x");
  EXPECT_NE(simulation.run().text().find("\n  before that it had received \"a\"\n"), std::string::npos);
}

// Nothing below 0 can be drawn: the processor ended the process (SIGFPE).
TEST(UserSimulationFailure, of_a_number_below_nothing_is_told) {
  Simulation simulation;
  EXPECT_THROW(simulation.random(0), std::invalid_argument);
  EXPECT_EQ(simulation.random(1), 0U);
}

TEST(UserSimulationFailure, of_a_check_or_a_task_that_throws_a_number_is_told) {
  Echo echo;
  Simulation checked;
  checked.serve(echo);
  checked.check("x", []() -> bool { throw 42; });
  EXPECT_EQ(checked.run().violation, "x: the check threw: something that is no std::exception");
  Simulation posted;
  posted.serve(echo);
  posted.connect().wait(1s);
  ASSERT_FALSE(posted.post(0, [] { throw 42; }));
  EXPECT_EQ(posted.run().violation, "a posted task threw something that is no std::exception");
}

}  // namespace
}  // namespace iocpp

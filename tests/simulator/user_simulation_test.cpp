// The simulator as users have it: their handlers, scripted peers, virtual time, and what is told when something fails.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include "iocpp/error.hpp"
#include "iocpp/simulator.hpp"

namespace iocpp {
namespace {

using namespace std::chrono_literals;

struct Echo : Handler {
  void on_receive(Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

class OnEachSystem : public ::testing::TestWithParam<Backend> {
 protected:
  static SimulationOptions options(std::uint64_t seed = 1, FaultRate faults = FaultRate::none) {
    return {.seed = seed, .faults = faults, .server = {.backend = GetParam()}};
  }
};

INSTANTIATE_TEST_SUITE_P(UserSimulation, OnEachSystem,
                         ::testing::Values(Backend::io_uring, Backend::epoll, Backend::iocp),
                         [](const auto& tested) { return std::string{to_string(tested.param)}; });

TEST_P(OnEachSystem, a_scripted_peer_is_served) {
  Echo echo;
  Simulation simulation{options()};
  simulation.serve(echo);
  SimulatedPeer& peer = simulation.connect();
  peer.send("hello\n").expect("hello\n").send("again").expect_bytes(5).half_close().expect_end();
  const SimulationResult& result = simulation.run();
  EXPECT_TRUE(result.passed()) << result.text();
  EXPECT_EQ(peer.received(), "hello\nagain");
  EXPECT_EQ(peer.end(), PeerEnd::in_order);
  EXPECT_TRUE(peer.done());
  EXPECT_EQ(result.counters.accepted, 1U);
  EXPECT_EQ(result.counters.disconnected[static_cast<std::size_t>(DisconnectReason::peer_closed)], 1U);
  EXPECT_EQ(result.faults, 0U);
}

void many_peers(Simulation& simulation) {
  simulation.serve([](unsigned) { return std::make_unique<Echo>(); });
  for (int number = 0; number < 30; ++number) {
    const std::string text(1 + simulation.random(20'000), static_cast<char>('a' + number % 26));
    SimulatedPeer& peer = simulation.connect(std::chrono::microseconds{simulation.random(5'000)});
    if (simulation.random(4) == 0) peer.read_slowly(1'000, 1ms);
    peer.send(text).expect(text);
    if (simulation.random(4) == 0) {
      peer.reset();
    } else {
      peer.half_close().expect_end();
    }
  }
}

TEST_P(OnEachSystem, the_same_seed_is_the_same_run_and_another_is_not) {
  const auto hash = [](std::uint64_t seed) {
    Simulation simulation{options(seed, FaultRate::heavy)};
    many_peers(simulation);
    return simulation.run().hash;
  };
  EXPECT_EQ(hash(5), hash(5));
  EXPECT_NE(hash(5), hash(6));
}

TEST_P(OnEachSystem, faults_excuse_nobody_but_whom_they_hit) {
  for (const FaultRate faults : {FaultRate::none, FaultRate::light, FaultRate::heavy}) {
    SimulationOptions with = options(1, faults);
    with.random_peers = 20;
    const SeedsResult result = for_each_seed(1, 25, many_peers, with);
    EXPECT_TRUE(result.passed());
    EXPECT_EQ(result.faults != 0, faults != FaultRate::none);
  }
}

TEST_P(OnEachSystem, an_hour_passes_at_once) {
  Echo echo;
  Simulation simulation{options()};
  simulation.serve(echo);
  SimulatedPeer& peer = simulation.connect();
  peer.send("a").expect("a");
  simulation.run_for(1h);
  EXPECT_EQ(peer.received(), "a");
  EXPECT_GE(simulation.now(), 1h);
  peer.send("b").expect("b");
  const SimulationResult& result = simulation.run();
  EXPECT_TRUE(result.passed()) << result.text();
  // The port of IOCP looks once a second after a wake that could not be posted.
  EXPECT_LT(result.events, 5'000U) << "time was filled with something";
}

TEST_P(OnEachSystem, an_hour_passes_soon_with_faults) {
  Echo echo;
  Simulation simulation{options(1, FaultRate::heavy)};
  simulation.serve(echo);
  for (int peer = 0; peer < 8; ++peer) simulation.connect().send("a").expect("a");
  simulation.run_for(1h);
  const SimulationResult& result = simulation.run();
  EXPECT_TRUE(result.passed()) << result.text();
  EXPECT_LT(result.events, 50'000U) << "time was filled with something";
}

TEST_P(OnEachSystem, a_peer_that_stays_sees_the_drain) {
  struct Farewell : Echo {
    void on_disconnect(Connection, const Disconnect& how) override { reason = how.reason; }
    void on_server_close() override { closed = true; }
    DisconnectReason reason{};
    bool closed = false;
  } handler;
  Simulation simulation{options()};
  simulation.serve(handler);
  simulation.connect().send("a").expect("a").stay().expect_end();
  const SimulationResult& result = simulation.run();
  EXPECT_TRUE(result.passed()) << result.text();
  EXPECT_TRUE(handler.closed);
  EXPECT_EQ(handler.reason, DisconnectReason::local_close);
}

TEST_P(OnEachSystem, who_is_past_the_limit_is_refused) {
  Echo echo;
  SimulationOptions limited = options();
  limited.server.limits.connections_max = 1;
  Simulation simulation{limited};
  simulation.serve(echo);
  simulation.connect().send("a").expect("a").wait(1s);
  SimulatedPeer& second = simulation.connect(100ms);
  second.expect_reset();
  EXPECT_TRUE(simulation.run().passed());
  EXPECT_EQ(second.end(), PeerEnd::refused);
}

/// One is served; one more comes, whom the limit has refused.
SimulationResult second_of_one(SimulationOptions options) {
  Echo echo;
  options.server.limits.connections_max = 1;
  Simulation simulation{options};
  simulation.serve(echo);
  simulation.connect().send("a").expect("a").wait(100s);
  simulation.connect(10s).send("b").expect("b");
  return simulation.run();
}

// With faults on, nobody who was not served was missed: each was taken for a fault's doing.
TEST_P(OnEachSystem, who_is_refused_for_want_of_a_place_is_not_excused_by_faults_elsewhere) {
  unsigned told = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const SimulationResult result = second_of_one(options(seed, FaultRate::light));
    told += result.violation.starts_with("peer 1, ") && result.violation.ends_with("refused") ? 1U : 0U;
  }
  EXPECT_GE(told, 2U);
}

void one_long_script(Simulation& simulation) {
  simulation.serve([](unsigned) { return std::make_unique<Echo>(); });
  SimulatedPeer& peer = simulation.connect();
  for (int round = 0; round < 20; ++round) peer.send("a").expect("a");
}

// A run in which faults had broken all connections passed.
TEST_P(OnEachSystem, a_run_in_which_all_scripts_were_dropped_fails_and_says_why) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Simulation simulation{options(seed, FaultRate::heavy)};
    one_long_script(simulation);
    const SimulationResult& result = simulation.run();
    EXPECT_EQ(result.scripts_begun, 1U);
    EXPECT_EQ(result.violation.starts_with("nothing was tested: "), result.scripts_dropped == 1) << result.text();
    if (result.scripts_dropped == 0) continue;
    EXPECT_FALSE(for_each_seed(seed, seed, one_long_script, options(seed, FaultRate::heavy)).passed());
    return;
  }
  FAIL() << "no fault hit the one connection";
}

TEST_P(OnEachSystem, of_many_runs_some_may_have_dropped_all_their_scripts) {
  const SeedsResult result = for_each_seed(1, 40, one_long_script, options(1, FaultRate::light));
  EXPECT_TRUE(result.passed());
  EXPECT_GT(result.scripts_dropped, 0U);
  EXPECT_LT(result.scripts_dropped, result.scripts_begun);
}

TEST_P(OnEachSystem, calls_from_outside_arrive) {
  struct Remembers : Echo {
    void on_connect(Connection connection) override { ids.push_back(connection.id()); }
    std::vector<ConnectionId> ids;
  } handler;
  Simulation simulation{options()};
  simulation.serve(handler);
  simulation.connect().expect("news").expect_end();
  simulation.connect(1s).expect_reset();
  bool ran = false;
  simulation.after(10s, [&] {
    const auto text = std::as_bytes(std::span{std::string_view{"news"}});
    EXPECT_FALSE(simulation.send(handler.ids.at(0), {text.begin(), text.end()}));
    EXPECT_FALSE(simulation.disconnect(handler.ids.at(0)));
    EXPECT_FALSE(simulation.abort(handler.ids.at(1)));
    EXPECT_FALSE(simulation.post(0, [&] { ran = true; }));
    EXPECT_EQ(simulation.post(99, [] {}), make_error_code(errc::invalid_argument));
  });
  const SimulationResult& result = simulation.run();
  EXPECT_TRUE(result.passed()) << result.text();
  EXPECT_TRUE(ran);
  EXPECT_GE(result.virtual_time, 10s);
}

TEST_P(OnEachSystem, calls_on_a_connection_that_was_closed_do_no_harm) {
  struct Clumsy : Handler {
    void on_receive(Connection connection, std::span<const std::byte>) override {
      connection.send("bye");
      connection.close();
      EXPECT_TRUE(connection.send("too late").closed);
      kept = connection;
    }
    void on_disconnect(Connection connection, const Disconnect&) override {
      EXPECT_TRUE(connection.send("far too late").closed);
      connection.abort();
    }
    Connection kept;
  } handler;
  Simulation simulation{options()};
  simulation.serve(handler);
  simulation.connect().send("a").expect("bye").expect_end();
  simulation.after(1s,
                   [&] { EXPECT_FALSE(simulation.post(0, [&] { EXPECT_TRUE(handler.kept.send("never").closed); })); });
  simulation.connect(2s).send("b").expect("bye").expect_end();
  EXPECT_TRUE(simulation.run().passed());
}

/// The violation of one peer's script, with the handler.
std::string violation_of(Handler& handler, const std::function<void(Simulation&)>& script,
                         const SimulationOptions& options = {}) {
  Simulation simulation{options};
  simulation.serve(handler);
  script(simulation);
  return simulation.run().violation;
}

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

// They left `run`, and with it the test.
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

// Its destructor asserted that everything had ended.
TEST_P(OnEachSystem, may_end_without_having_run_to_the_end) {
  Echo echo;
  for (int after = 0; after < 20; ++after) {
    Simulation simulation{options(1, FaultRate::heavy)};
    simulation.serve(echo);
    simulation.connect().send(std::string(100'000, 'x')).wait(1h);
    simulation.run_for(std::chrono::microseconds{100 * after});
  }
}

// The number of the accepting loop's port was one byte.
TEST_P(OnEachSystem, has_as_many_shards_as_a_server) {
  SimulationOptions many = options();
  many.server.shards = 255;
  many.server.accept_thread = true;
  Simulation simulation{many};
  simulation.serve([](unsigned) { return std::make_unique<Echo>(); });
  simulation.connect().send("a").expect("a").half_close().expect_end();
  EXPECT_TRUE(simulation.run().passed()) << simulation.run().text();
}

// In nanoseconds it was negative.
TEST(UserSimulation, has_patience_without_bounds) {
  SimulationOptions options;
  options.patience = std::chrono::seconds::max();
  Echo echo;
  Simulation simulation{options};
  simulation.serve(echo);
  simulation.connect().send("a").expect("a");
  EXPECT_TRUE(simulation.run().passed()) << simulation.run().text();
}

// The newer one was no longer the thread's.
TEST(UserSimulation, goes_on_when_an_older_one_is_gone) {
  Echo echo;
  auto older = std::make_unique<Simulation>();
  older->serve(echo);
  Simulation newer;
  newer.serve(echo);
  older.reset();
  newer.connect().send("a").expect("a").half_close().expect_end();
  EXPECT_TRUE(newer.run().passed()) << newer.run().text();
}

// Whichever ended last put back what it had found: errors were those of a system that was gone.
TEST(UserSimulation, reads_errors_as_the_newest_ones_system_when_an_older_one_ends_first) {
  const std::string own = std::error_code{10'054, native_category()}.message();
  Echo echo;
  auto windows = std::make_unique<Simulation>(SimulationOptions{.server = {.backend = Backend::iocp}});
  windows->serve(echo);
  auto linux_os = std::make_unique<Simulation>(SimulationOptions{.server = {.backend = Backend::epoll}});
  linux_os->serve(echo);
  windows.reset();
  EXPECT_EQ((std::error_code{104, native_category()}), errc::connection_reset);
  EXPECT_NE((std::error_code{10'054, native_category()}), errc::connection_reset);
  linux_os.reset();
  EXPECT_EQ((std::error_code{10'054, native_category()}).message(), own);
}

TEST(UserSimulation, refuses_calls_out_of_order) {
  Echo echo;
  Simulation simulation;
  EXPECT_THROW(simulation.connect(), std::logic_error);
  simulation.serve(echo);
  EXPECT_THROW(simulation.serve(echo), std::logic_error);
  simulation.after(1ms, [&] { EXPECT_THROW(simulation.run_for(1s), std::logic_error); });
  simulation.run_for(1s);
  EXPECT_TRUE(simulation.run().passed());
  EXPECT_THROW(simulation.connect(), std::logic_error);
}

TEST(UserSimulation, is_one_at_a_time) {
  Echo echo;
  Simulation first;
  first.serve(echo);
  {
    Simulation second;
    second.serve(echo);
    EXPECT_THROW(first.run_for(1s), std::logic_error);
    second.run_for(1s);
  }
  EXPECT_TRUE(first.run().passed());
}

TEST(UserSimulation, that_serves_nobody_fails) {
  Simulation simulation;
  EXPECT_EQ(simulation.run().violation, "the test did not call Simulation::serve");
}

TEST(UserSimulation, takes_the_servers_options_and_refuses_wrong_ones) {
  Simulation simulation{{.server = {.shards = 256}}};
  EXPECT_THROW(simulation.serve([](unsigned) { return std::make_unique<Echo>(); }), std::system_error);
  Simulation null;
  EXPECT_THROW(null.serve([](unsigned) { return std::unique_ptr<Handler>{}; }), std::system_error);
}

TEST(UserSimulation, overflows_and_backpressure_are_the_options) {
  struct Pusher : Handler {
    void on_receive(Connection connection, std::span<const std::byte>) override {
      overflowed = connection.send(std::string(100'000, 'x')).overflow;
    }
    bool overflowed = false;
  } handler;
  SimulationOptions options;
  options.server.send_queue_bytes_high = options.server.send_queue_bytes_low = 1'000;
  options.server.send_queue_bytes_max = 10'000;
  EXPECT_EQ(violation_of(
                handler, [](Simulation& it) { it.connect().send("a").expect_reset(); }, options),
            "");
  EXPECT_TRUE(handler.overflowed);
}

TEST(UserSimulation, an_hour_of_idling_is_over_at_once_and_a_deadline_ends_it) {
  Echo handler;
  SimulationOptions options;
  options.server.deadlines.idle = std::chrono::hours{1};
  EXPECT_EQ(violation_of(
                handler,
                [](Simulation& it) {
                  SimulatedPeer& idle = it.connect().send("a").expect("a");
                  it.run_for(std::chrono::minutes{59});
                  it.check("nobody is ended before", [&it] { return it.now() > std::chrono::hours{1}; });
                  if (it.counters().connections_open != 1) it.fail("ended before an hour was over");
                  it.run_for(std::chrono::minutes{2});
                  if (it.counters().connections_open != 0) it.fail("idle for more than an hour");
                  idle.expect_reset();
                },
                options),
            "");
}

TEST(UserSimulation, timers_and_postponed_tasks_keep_virtual_time) {
  struct Reminder : Handler {
    void on_connect(Connection connection) override { connection.start_timer(std::chrono::minutes{10}); }
    void on_timer(Connection connection) override { connection.send("time"); }
  } handler;
  EXPECT_EQ(violation_of(handler,
                         [](Simulation& it) {
                           bool ran = false;
                           SimulatedPeer& peer = it.connect();
                           it.run_for(std::chrono::minutes{1});
                           if (it.post_after(0, std::chrono::minutes{5}, [&ran] { ran = true; })) it.fail("not taken");
                           it.run_for(std::chrono::minutes{4});
                           if (ran || !peer.received().empty()) it.fail("early");
                           it.run_for(std::chrono::minutes{2});
                           if (!ran) it.fail("late");
                           it.run_for(std::chrono::minutes{4});
                           peer.expect("time").half_close().expect_end();
                         }),
            "");
}

/// Fails when two are connected at once.
struct Lonely : Echo {
  explicit Lonely(Simulation& own) : simulation{own} {}
  void on_connect(Connection) override {
    if (++connected == 2) simulation.fail("two at once");
  }
  void on_disconnect(Connection, const Disconnect&) override { --connected; }
  Simulation& simulation;
  int connected = 0;
};

TEST(ForEachSeed, makes_a_failure_smaller) {
  const SeedsResult result =
      for_each_seed(1, 10,
                    [](Simulation& simulation) {
                      simulation.serve([&](unsigned) { return std::make_unique<Lonely>(simulation); });
                      for (int peer = 0; peer < 20; ++peer)
                        simulation.connect().send("a").expect("a").half_close().expect_end();
                    },
                    {.faults = FaultRate::heavy, .server = {.shards = 1}, .random_peers = 50});
  ASSERT_FALSE(result.passed());
  EXPECT_TRUE(result.repeats);
  ASSERT_TRUE(result.shrunk);
  EXPECT_EQ(result.shrunk->violation, "two at once");
  EXPECT_EQ(result.shrunk->connections, 2U);
  EXPECT_EQ(result.shrunk->faults, 0U);
  EXPECT_NE(result.shrunk->replay.find(" absent="), std::string::npos);
}

/// Sends what it receives to all others; to the third of them something else.
struct WrongChat : Handler {
  void on_connect(Connection connection) override { all.push_back(connection); }
  void on_receive(Connection from, std::span<const std::byte> bytes) override {
    unsigned number = 0;
    for (Connection& to : all) {
      if (to.id() == from.id()) continue;
      std::vector<std::byte> copy{bytes.begin(), bytes.end()};
      if (++number == 3) copy[0] = std::byte{'X'};
      to.send(std::move(copy));
    }
  }
  void on_disconnect(Connection connection, const Disconnect&) override {
    std::erase_if(all, [&](Connection& one) { return one.id() == connection.id(); });
  }
  std::vector<Connection> all;
};

// A smaller run without the peer that sends failed too, for that reason alone, and was told as the same failure.
TEST(ForEachSeed, makes_no_other_failure_of_the_one_that_it_makes_smaller) {
  const SeedsResult result = for_each_seed(1, 10,
                                           [](Simulation& simulation) {
                                             simulation.serve([](unsigned) { return std::make_unique<WrongChat>(); });
                                             simulation.connect().wait(1s).send("hello\n");
                                             for (int peer = 0; peer < 5; ++peer)
                                               simulation.connect().expect("hello\n");
                                           },
                                           {.server = {.shards = 1}});
  ASSERT_FALSE(result.passed());
  EXPECT_NE(result.failure->violation.find("it received"), std::string::npos) << result.failure->violation;
  const std::string& told = result.shrunk ? result.shrunk->violation : result.failure->violation;
  EXPECT_EQ(told.find("nothing more came"), std::string::npos);
  EXPECT_EQ(told.substr(0, told.find(" it received")),
            result.failure->violation.substr(0, result.failure->violation.find(" it received")));
}

/// Ends the process at its first byte, as `end` does.
SeedsResult ended_by(void (*end)()) {
  struct Deadly : Handler {
    explicit Deadly(void (*own)()) : end{own} {}
    void on_receive(Connection, std::span<const std::byte>) override { end(); }
    void (*end)();
  };
  return for_each_seed(4, 4, [end](Simulation& simulation) {
    simulation.serve([end](unsigned) { return std::make_unique<Deadly>(end); });
    simulation.connect().send("a");
  });
}

// A process that a handler's assertion ended named no seed.
TEST(ForEachSeedDeathTest, a_crash_in_a_handler_names_its_seed_and_the_last_steps) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  const std::string seed = "seed 4, again: IOCPP_SIMULATE='seed=4 system=epoll faults=none'";
  const std::string last_step = "on_receive 1 bytes";
  EXPECT_DEATH(ended_by([] { std::abort(); }), seed);
  EXPECT_DEATH(ended_by([] { std::abort(); }), last_step);
#ifndef _WIN32  // there a signal that is raised calls its handler, and ends nothing
  EXPECT_DEATH(ended_by([] { std::raise(SIGSEGV); }), seed);
  EXPECT_DEATH(ended_by([] { std::raise(SIGSEGV); }), last_step);
#endif
}

TEST(ForEachSeed, puts_back_what_handled_crashes_before) {
  const auto own = +[](int) {};
  const auto before = std::signal(SIGABRT, own);
  EXPECT_TRUE(for_each_seed(1, 2, many_peers).passed());
  EXPECT_EQ(std::signal(SIGABRT, before), own);
}

TEST(ForEachSeed, says_that_a_test_does_not_repeat) {
  int runs = 0;
  const SeedsResult result = for_each_seed(1, 1, [&runs](Simulation& simulation) {
    simulation.serve([](unsigned) { return std::make_unique<Echo>(); });
    simulation.connect().send(std::string(static_cast<std::size_t>(++runs), 'a')).expect("b");
  });
  EXPECT_FALSE(result.passed());
  EXPECT_FALSE(result.repeats);
  EXPECT_NE(result.text().find("this run was another one"), std::string::npos);
}

TEST(ForEachSeed, counts_an_exception_of_the_test) {
  const SeedsResult result = for_each_seed(1, 5, [](Simulation&) { throw std::runtime_error{"oh"}; });
  ASSERT_FALSE(result.passed());
  EXPECT_EQ(result.failure->violation, "the test threw: oh");
}

}  // namespace
}  // namespace iocpp

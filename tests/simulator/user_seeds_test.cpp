// Many seeds of a user's test: the first failure, made smaller, and what a crash leaves behind.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include "user_tests.hpp"

namespace iocpp {
namespace {

using namespace std::chrono_literals;

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

// No seed was no failure: whoever mixed up the two had a test that passed and tested nothing.
TEST(ForEachSeed, without_a_seed_is_an_error) {
  const auto test = [](Simulation& simulation) { simulation.fail("there is no seed"); };
  EXPECT_THROW(for_each_seed(300, 1, test), std::invalid_argument);
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
  EXPECT_DEATH(ended_by([] { std::raise(SIGSEGV); }), "The run that SIGSEGV has ended");
  EXPECT_DEATH(ended_by([] { std::raise(SIGFPE); }), "The run that SIGFPE has ended .a division by 0, perhaps");
#endif
}

void one_peer(Simulation& simulation) {
  simulation.serve([](unsigned) { return std::make_unique<Echo>(); });
  simulation.connect().send("a").expect("a").half_close().expect_end();
}

/// In the environment while it lives.
class Replay {
 public:
  explicit Replay(const char* text) { set(text); }
  ~Replay() { set(nullptr); }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

 private:
  static void set(const char* text) {
#ifdef _WIN32
    ::_putenv_s("IOCPP_SIMULATE", text == nullptr ? "" : text);
#else
    text == nullptr ? ::unsetenv("IOCPP_SIMULATE") : ::setenv("IOCPP_SIMULATE", text, 1);
#endif
  }
};

/// The seeds that are run of a test of this name.
std::vector<std::uint64_t> seeds_run(const std::string& name) {
  std::vector<std::uint64_t> seeds;
  const SeedsResult result = for_each_seed(1, 3,
                                           [&](Simulation& simulation) {
                                             seeds.push_back(simulation.options().seed);
                                             one_peer(simulation);
                                           },
                                           {.name = name});
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(result.left_out, seeds.empty());
  return seeds;
}

TEST(ForEachSeed, replays_the_test_that_is_named_and_no_other) {
  using Seeds = std::vector<std::uint64_t>;
  EXPECT_EQ(seeds_run("a"), (Seeds{1, 2, 3}));
  const Replay replay{"test=big_auction seed=7 system=iocp faults=none"};
  EXPECT_EQ(seeds_run("big auction"), Seeds{7});
  EXPECT_EQ(seeds_run("auction"), Seeds{});
  EXPECT_EQ(seeds_run(""), Seeds{});
}

TEST(ForEachSeed, replays_every_test_where_none_is_named) {
  const Replay replay{"seed=7"};
  EXPECT_EQ(seeds_run("auction"), std::vector<std::uint64_t>{7});
  EXPECT_EQ(seeds_run(""), std::vector<std::uint64_t>{7});
}

TEST(ForEachSeed, names_the_test_that_failed_and_so_does_its_replay) {
  const SeedsResult result = for_each_seed(1, 1,
                                           [](Simulation& simulation) {
                                             simulation.serve([](unsigned) { return std::make_unique<Echo>(); });
                                             simulation.connect().send("a").expect("b");
                                           },
                                           {.name = "it's an echo"});
  ASSERT_FALSE(result.passed());
  EXPECT_NE(result.text().find("FAILED, it's an echo, seed 1: "), std::string::npos) << result.text();
  EXPECT_EQ(result.failure->replay, "test=it_s_an_echo seed=1 system=epoll faults=none");
}

TEST(ForEachSeed, replays_what_failed_before_there_was_a_system) {
  const auto test = [](Simulation&) { throw std::runtime_error{"oh"}; };
  const SeedsResult first = for_each_seed(2, 2, test);
  ASSERT_FALSE(first.passed());
  const Replay replay{first.failure->replay.c_str()};
  const SeedsResult again = for_each_seed(1, 1, test);
  ASSERT_FALSE(again.passed());
  EXPECT_EQ(again.failure->violation, "the test threw: oh");
  EXPECT_EQ(again.failure->options.seed, 2U);
}

// An exception left for_each_seed, and main; a system or a rate of faults of an unknown name was taken for none at all.
TEST(ForEachSeed, fails_where_it_does_not_understand_its_replay) {
  for (const char* text : {"seed", "sed=1", "seed=x", "seed=1 system=epol", "faults=many", "absent=1,", "only_faults=x",
                           "random_peers=4294967296", "absent=4294967296"}) {
    const Replay replay{text};
    int runs = 0;
    const SeedsResult result = for_each_seed(1, 3, [&runs](Simulation&) { ++runs; });
    EXPECT_FALSE(result.passed()) << text;
    EXPECT_EQ(runs, 0) << text;
    const std::string last = std::string{text}.substr(std::string{text}.rfind(' ') + 1);
    EXPECT_NE(result.text().find("FAILED, IOCPP_SIMULATE: \"" + last + "\" is not known"), std::string::npos)
        << result.text();
  }
}

TEST(ForEachSeed, puts_back_what_handled_crashes_before) {
  const auto own = +[](int) {};
  const auto before = std::signal(SIGABRT, own);
  EXPECT_TRUE(for_each_seed(1, 2, one_peer).passed());
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

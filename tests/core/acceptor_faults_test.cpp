// The accept chain under faults: each class of the table, and random mixtures of all. Whatever happens, it comes back.
#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.hpp"
#include "core/accept_chain.hpp"

namespace iocpp::core {
namespace {

using Mode = Acceptor::Mode;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// The longest wait, and the timers' step.
constexpr nanoseconds comes_back_within = milliseconds{1100};

struct Fault {
  const char* name;
  Platform platform;
  int error;
  bool multishot;
};

class EachFault : public testing::TestWithParam<Fault> {
 protected:
  static Acceptor::Config config() {
    return {.platform = GetParam().platform, .multishot = GetParam().multishot, .singles = 16, .seed = 9};
  }

  /// One accept fails, whenever there is one; meanwhile time passes as the acceptor asks.
  static void fail(AcceptChain& chain, unsigned times) {
    for (unsigned failure = 0; failure < times; ++failure) {
      if (chain.acceptor.accepts_in_flight() == 0) {
        ASSERT_TRUE(chain.until_accepting(comes_back_within).has_value());
      }
      chain.complete(GetParam().error);
    }
  }

  static void expect_next_client_served(AcceptChain& chain) {
    ASSERT_TRUE(chain.until_accepting(comes_back_within).has_value());
    ASSERT_GE(chain.acceptor.accepts_in_flight(), 1U);
    EXPECT_EQ(chain.complete(0, GetParam().multishot), AcceptOutcome::accepted);
    EXPECT_EQ(chain.mode(), Mode::accepting);
    EXPECT_EQ(chain.acceptor.accepts_in_flight(), chain.acceptor.multishot() ? 1U : 16U) << "back at its target";
  }
};

TEST_P(EachFault, once_and_the_next_client_is_served) {
  AcceptChain chain{config()};
  fail(chain, 1);
  expect_next_client_served(chain);
}

TEST_P(EachFault, ten_times_and_the_next_client_is_served) {
  AcceptChain chain{config()};
  fail(chain, 10);
  expect_next_client_served(chain);
}

TEST_P(EachFault, more_often_than_accepts_are_posted_and_the_next_client_is_served) {
  AcceptChain chain{config()};
  fail(chain, 100);
  expect_next_client_served(chain);
}

TEST_P(EachFault, all_that_is_in_flight_at_once_and_the_next_client_is_served) {
  AcceptChain chain{config()};
  for (int round = 0; round < 20; ++round) {
    if (chain.acceptor.accepts_in_flight() == 0) {
      ASSERT_TRUE(chain.until_accepting(comes_back_within).has_value());
    }
    chain.complete_all(GetParam().error);
  }
  expect_next_client_served(chain);
}

TEST_P(EachFault, for_a_minute_costs_a_bounded_number_of_attempts) {
  AcceptChain chain{config()};
  const TimePoint end = chain.now + std::chrono::minutes{1};
  unsigned turns = 0;
  while (chain.now < end && ++turns < 100'000 && !HasFailure()) {
    if (chain.acceptor.accepts_in_flight() != 0) {
      chain.complete_all(GetParam().error);
    } else {
      ASSERT_TRUE(chain.until_accepting(comes_back_within).has_value());
    }
  }
  // Doubling to a second, less a quarter: some 90 waits a minute, each ended by as many accepts as are kept in flight.
  // Where each failure is a client that has left, there are as many as clients, but for a pause.
  const auto pauses = static_cast<unsigned>(std::chrono::minutes{1} / Acceptor::drop_pause);
  const unsigned waits = client_has_left(GetParam().platform, GetParam().error) ? pauses : 90U;
  EXPECT_LE(chain.accepts_posted, 64U + waits * (chain.acceptor.multishot() ? 1U : 16U));
  EXPECT_GE(chain.accepts_posted, 60U);
  expect_next_client_served(chain);
}

std::vector<Fault> faults() {
  std::vector<Fault> all;
  for (const bool multishot : {true, false}) {
    for (const auto& [name, error] : std::vector<std::pair<const char*, int>>{{"econnaborted", econnaborted},
                                                                              {"eproto", eproto},
                                                                              {"emfile", emfile},
                                                                              {"enfile", enfile},
                                                                              {"enobufs", enobufs},
                                                                              {"enomem", enomem},
                                                                              {"ebadf", ebadf},
                                                                              {"einval", einval},
                                                                              {"ecanceled", ecanceled},
                                                                              {"unknown", unknown_code}}) {
      all.push_back({name, Platform::linux_os, error, multishot});
    }
  }
  for (const auto& [name, error] : std::vector<std::pair<const char*, int>>{{"wsaenotconn", 10057},
                                                                            {"wsaeconnreset", 10054},
                                                                            {"netname_deleted", 64},
                                                                            {"wsaenobufs", 10055},
                                                                            {"wsaemfile", 10024},
                                                                            {"wsaenotsock", 10038},
                                                                            {"operation_aborted", 995},
                                                                            {"unknown", unknown_code}}) {
    all.push_back({name, Platform::windows_os, error, false});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Acceptor, EachFault, testing::ValuesIn(faults()), [](const auto& fault) {
  return std::string{fault.param.platform == Platform::linux_os ? "linux_" : "windows_"} + fault.param.name +
         (fault.param.multishot ? "_multishot" : "_pool");
});

/// Random outcomes, knocks, freed handles and passing time; then no more faults.
class Storm {
 public:
  explicit Storm(std::uint64_t seed) : prng_{seed}, chain_{config()} {}

  void rage(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      const std::uint64_t choice = prng_.below(16);
      if (choice < 9) finish_an_accept();
      if (choice == 9 || choice == 10) knock();
      if (choice == 11) chain_.free_handle();
      if (choice == 12) chain_.rebuilding_works = prng_.below(2) == 0;
      if (choice >= 13) chain_.pass(nanoseconds{static_cast<std::int64_t>(prng_.below(1ULL << prng_.below(30)))});
      ++visits_[chain_.mode()];
    }
  }

  const std::map<Mode, unsigned>& visits() const { return visits_; }

  void heal() {
    chain_.rebuilding_works = true;
    // What is in flight from before may still fail; it is the last that does.
    EXPECT_TRUE(chain_.until_accepting(comes_back_within).has_value())
        << "mode " << static_cast<int>(chain_.mode()) << " for over a second without a fault";
    ASSERT_GE(chain_.acceptor.accepts_in_flight(), 1U);
    EXPECT_EQ(chain_.complete(0, chain_.acceptor.multishot()), AcceptOutcome::accepted);
    EXPECT_EQ(chain_.acceptor.accepts_in_flight(), chain_.acceptor.multishot() ? 1U : singles_);
  }

  void close() {
    chain_.acceptor.begin_close();
    while (chain_.acceptor.accepts_in_flight() != 0) chain_.complete(prng_.below(2) == 0 ? 0 : ecanceled);
    if (chain_.acceptor.in_flight() != 0) {
      EXPECT_FALSE(chain_.knock());
    }
    chain_.acceptor.closed();
    chain_.pass(std::chrono::minutes{1});
    EXPECT_EQ(chain_.mode(), Mode::closed);
    EXPECT_EQ(chain_.acceptor.in_flight(), 0U);
  }

 private:
  Acceptor::Config config() {
    const bool multishot = prng_.below(2) == 0;
    singles_ = 1 + static_cast<unsigned>(prng_.below(16));
    const std::uint64_t jitter = prng_.next();
    return {.multishot = multishot, .singles = singles_, .seed = jitter};
  }

  int some_error() {
    constexpr int errors[] = {0,      0,       0,      econnaborted, econnaborted, eproto,    emfile,      emfile,
                              enfile, enobufs, enomem, ebadf,        einval,       ecanceled, unknown_code};
    return errors[prng_.below(std::size(errors))];
  }

  void finish_an_accept() {
    if (chain_.acceptor.accepts_in_flight() == 0) return;
    const int error = some_error();
    const bool more = chain_.acceptor.multishot() && prng_.below(3) == 0;
    chain_.complete(error, more);
  }

  void knock() {
    const bool polled = chain_.acceptor.in_flight() > chain_.acceptor.accepts_in_flight();
    if (!polled) return;
    if (chain_.knock()) {
      constexpr Acceptor::ShedEnd ends[] = {Acceptor::ShedEnd::nobody_left, Acceptor::ShedEnd::batch_full,
                                            Acceptor::ShedEnd::failed};
      chain_.acceptor.shed_ended(ends[prng_.below(3)], chain_.now);
    }
    chain_.post();
  }

  Prng prng_;
  unsigned singles_ = 0;
  AcceptChain chain_;
  std::map<Mode, unsigned> visits_;
};

TEST(Acceptor, is_healthy_after_every_turn_of_any_storm_and_accepts_within_a_second_after_it) {
  std::map<Mode, unsigned> visits;
  for (std::uint64_t seed = 0; seed < 1500 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Storm storm{seed};
    storm.rage(300);
    storm.heal();
    storm.rage(100);
    storm.heal();
    for (const auto& [mode, steps] : storm.visits()) visits[mode] += steps;
    storm.close();
  }
  for (const Mode mode : {Mode::accepting, Mode::waiting, Mode::shedding, Mode::rebuilding}) {
    EXPECT_GT(visits[mode], 10'000U) << "too few steps in mode " << static_cast<int>(mode) << " to prove anything";
  }
}

}  // namespace
}  // namespace iocpp::core

// The signals that end run(); Windows has console events in their place.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "server/running_server.hpp"

namespace iocpp::tests {
namespace {

using namespace std::chrono_literals;

extern "C" void earlier_handler(int) {}

class StopSignal : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    struct sigaction own {};
    own.sa_handler = earlier_handler;
    ::sigaction(GetParam(), &own, &before_);
  }
  void TearDown() override { ::sigaction(GetParam(), &before_, nullptr); }

  bool is_put_back() const {
    struct sigaction now {};
    ::sigaction(GetParam(), nullptr, &now);
    return now.sa_handler == earlier_handler;
  }

 private:
  struct sigaction before_ {};
};

TEST_P(StopSignal, drains_and_ends_run) {
  Journal journal;
  journal.received = echo;
  RunningServer run{journal, {.shards = 2}};
  Client client = run.served();
  ASSERT_EQ(::kill(::getpid(), GetParam()), 0);
  EXPECT_EQ(client.end(), Ending::in_order);
  client.close();
  const DrainReport report = run.end();
  EXPECT_EQ(report.idle_closed, 1U);
  EXPECT_EQ(report.cut, 0U);
  EXPECT_EQ(journal.disorder(), "");
  EXPECT_TRUE(is_put_back());
}

TEST_P(StopSignal, a_second_time_ends_at_once) {
  Journal journal;
  journal.received = echo;
  RunningServer run{journal, {.linger_timeout = 1h, .drain_timeout = 1h}};
  Client never_closes = run.served();
  ASSERT_EQ(::kill(::getpid(), GetParam()), 0);
  EXPECT_EQ(never_closes.end(), Ending::in_order);  // the drain has begun, and would take an hour
  ASSERT_EQ(::kill(::getpid(), GetParam()), 0);
  const DrainReport report = run.end();
  EXPECT_EQ(report.cut, 1U);
  EXPECT_TRUE(is_put_back());
}

TEST_P(StopSignal, serves_the_next_run_too) {
  for (int round = 0; round < 3; ++round) {
    Journal journal;
    journal.received = echo;
    RunningServer run{journal, {.drain_timeout = 1h}};
    run.served().close();
    ASSERT_EQ(::kill(::getpid(), GetParam()), 0);
    EXPECT_EQ(run.end().cut, 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Signals, StopSignal, ::testing::Values(SIGINT, SIGTERM),
                         [](const auto& test) { return std::string{test.param == SIGINT ? "SIGINT" : "SIGTERM"}; });

}  // namespace
}  // namespace iocpp::tests

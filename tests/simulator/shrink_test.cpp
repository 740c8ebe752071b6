// A failing run made smaller: it fails in the same way, and the same plan gives the same one.
#include "simulator/shrink.hpp"

#include <gtest/gtest.h>

#include "backend/io_uring/port.hpp"
#include "simulator/io_uring_sys.hpp"
#include "simulator/run.hpp"
#include "simulator/shard_over.hpp"

namespace iocpp::simulator {
namespace {

TEST(SmallerFailing, finds_the_limit_by_halving) {
  unsigned asked = 0;
  const auto from_seven = [&asked](std::uint64_t number) {
    ++asked;
    return number >= 7;
  };
  EXPECT_EQ(smaller_failing(0, 1'000, from_seven), 7U);
  EXPECT_LE(asked, 12U);
  EXPECT_EQ(smaller_failing(1, 1'000, [](std::uint64_t) { return true; }), 1U);
  EXPECT_EQ(smaller_failing(1, 1'000, [](std::uint64_t) { return false; }), 1'000U);
  EXPECT_EQ(smaller_failing(5, 5, [](std::uint64_t) { return false; }), 5U);
}

TEST(SmallerWindow, closes_in_on_the_one_fault_that_matters) {
  const auto has_41 = [](FaultWindow window) { return window.first <= 41 && 41 < window.end; };
  const FaultWindow window = smaller_window({}, 1'000, has_41);
  EXPECT_EQ(window.first, 41U);
  EXPECT_EQ(window.end, 42U);
}

TEST(SmallerWindow, is_empty_where_no_fault_matters) {
  const FaultWindow window = smaller_window({}, 1'000, [](FaultWindow) { return true; });
  EXPECT_EQ(window.first, window.end);
}

/// Loses an entry of the ring whenever the 20th connection has come.
class LosingIoUring : public IoUringSys {
 public:
  using IoUringSys::IoUringSys;

 protected:
  void complete(const Entry& entry) override {
    const bool of_send = (entry.user >> 56) == 4;
    if (!of_send || ++sends_ != 20) IoUringSys::complete(entry);
  }

 private:
  unsigned sends_ = 0;
};

constexpr MakeShard losing = make_shard_over<io_uring::Port, LosingIoUring>;

Plan failing_plan() {
  return {.seed = 3, .platform = Platform::io_uring, .connections = 400, .faults = Level::heavy};
}

TEST(Shrink, gives_fewer_connections_and_faults_and_the_same_failure) {
  const Plan plan = failing_plan();
  const Outcome failed = simulate(plan, losing);
  ASSERT_NE(failed.violated, 0U);
  const Shrunk shrunk = shrink(plan, failed, losing);
  EXPECT_EQ(shrunk.outcome.violated, failed.violated);
  EXPECT_LT(shrunk.plan.connections, 100U);
  EXPECT_LT(shrunk.outcome.faults, failed.faults);
  EXPECT_FALSE(shrunk.outcome.last_steps.empty());
  EXPECT_EQ(simulate(shrunk.plan, losing).hash, shrunk.outcome.hash) << "the plan is not the outcome's";
}

TEST(Shrink, is_the_same_each_time) {
  const Plan plan = failing_plan();
  const Outcome failed = simulate(plan, losing);
  const Shrunk first = shrink(plan, failed, losing);
  const Shrunk second = shrink(plan, failed, losing);
  EXPECT_EQ(first.outcome.hash, second.outcome.hash);
  EXPECT_EQ(first.runs, second.runs);
}

TEST(Shrink, ends_when_its_events_are_used_up) {
  const Plan plan = failing_plan();
  const Outcome failed = simulate(plan, losing);
  const Shrunk shrunk = shrink(plan, failed, losing, 1);
  EXPECT_EQ(shrunk.runs, 1U);
}

}  // namespace
}  // namespace iocpp::simulator

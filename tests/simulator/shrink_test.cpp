// A failing run made smaller: it fails in the same way, and the same plan gives the same one.
#include "simulator/shrink.hpp"

#include <gtest/gtest.h>

#include <algorithm>

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
  EXPECT_LE(asked, 14U);
  EXPECT_EQ(smaller_failing(1, 1'000, [](std::uint64_t) { return true; }), 1U);
  EXPECT_EQ(smaller_failing(1, 1'000, [](std::uint64_t) { return false; }), 1'000U);
  EXPECT_EQ(smaller_failing(5, 5, [](std::uint64_t) { return false; }), 5U);
}

TEST(FaultRanges, are_text_and_back) {
  const FaultRanges ranges{{3, 3}, {17, 20}};
  EXPECT_EQ(to_text(ranges), "3,17-20");
  EXPECT_EQ(fault_ranges_in("3,17-20"), ranges);
  EXPECT_EQ(count_of(ranges), 5U);
  for (const char* wrong : {"", "3,", "x", "5-4", "4,4", "9,3", "1-", "-1", "1-2-3"})
    EXPECT_FALSE(fault_ranges_in(wrong)) << wrong;
}

bool has(const FaultRanges& ranges, std::uint64_t number) {
  return std::ranges::any_of(ranges,
                             [=](const auto& range) { return range.first <= number && number <= range.second; });
}

TEST(FewerFaults, leaves_those_that_matter) {
  const auto needs_three = [](const FaultRanges& only) { return has(only, 41) && has(only, 42) && has(only, 907); };
  EXPECT_EQ(to_text(fewer_faults({}, 1'000, needs_three)), "41-42,907");
}

TEST(FewerFaults, leaves_all_where_all_matter_and_one_where_none_does) {
  EXPECT_EQ(to_text(fewer_faults({}, 10, [](const FaultRanges&) { return false; })), "0-9");
  EXPECT_EQ(count_of(fewer_faults({}, 1'000, [](const FaultRanges&) { return true; })), 1U);
  EXPECT_TRUE(fewer_faults({}, 0, [](const FaultRanges&) { return true; }).empty());
}

TEST(FewerFaults, only_those_happen) {
  Plan plan{.seed = 2, .platform = Platform::epoll, .connections = 300, .faults = Level::heavy};
  const Outcome all = simulate(plan);
  ASSERT_GT(all.faults, 20U);
  EXPECT_EQ(all.faults, all.faults_drawn);
  plan.only_faults = {{0, 3}, {10, 10}};
  const Outcome few = simulate(plan);
  EXPECT_EQ(few.faults, 5U);
  EXPECT_GT(few.faults_drawn, 5U);
  plan.only_faults = {{0, all.faults_drawn}};
  EXPECT_EQ(simulate(plan).hash, all.hash);
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

// For the sake of sanitizers, under which an event takes some fifty times as long.
constexpr std::uint64_t some_events = 1'000'000;
constexpr std::uint64_t few_events = 200'000;

Plan failing_plan() {
  return {.seed = 3, .platform = Platform::io_uring, .connections = 400, .faults = Level::heavy};
}

TEST(Shrink, gives_fewer_connections_and_faults_and_the_same_failure) {
  const Plan plan = failing_plan();
  const Outcome failed = simulate(plan, losing);
  ASSERT_NE(failed.violated, 0U);
  const Shrunk shrunk = shrink(plan, failed, losing, some_events);
  EXPECT_EQ(shrunk.outcome.violated, failed.violated);
  EXPECT_LT(shrunk.plan.connections, 100U);
  EXPECT_LT(shrunk.outcome.faults, failed.faults);
  EXPECT_FALSE(shrunk.outcome.last_steps.empty());
  EXPECT_EQ(simulate(shrunk.plan, losing).hash, shrunk.outcome.hash) << "the plan is not the outcome's";
}

TEST(Shrink, is_the_same_each_time) {
  const Plan plan = failing_plan();
  const Outcome failed = simulate(plan, losing);
  const Shrunk first = shrink(plan, failed, losing, few_events);
  const Shrunk second = shrink(plan, failed, losing, few_events);
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

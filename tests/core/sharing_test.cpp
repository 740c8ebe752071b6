// What the shards of a server share: the limit of connections, placement, and the sum of their counters.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <iterator>
#include <thread>
#include <vector>

#include "core/connection_limit.hpp"
#include "core/placement.hpp"
#include "core/shard_counters.hpp"

namespace iocpp::core {
namespace {

TEST(Placement, picks_the_smallest_load) {
  const std::array<std::uint64_t, 4> loads{5, 3, 1, 4};
  for (std::size_t last = 0; last < loads.size(); ++last) EXPECT_EQ(fewest(loads, last), 2U);
}

TEST(Placement, equal_shards_take_turns) {
  const std::array<std::uint64_t, 3> loads{7, 7, 7};
  EXPECT_EQ(fewest(loads, 0), 1U);
  EXPECT_EQ(fewest(loads, 1), 2U);
  EXPECT_EQ(fewest(loads, 2), 0U);
  const std::array<std::uint64_t, 4> some_equal{2, 9, 2, 2};
  EXPECT_EQ(fewest(some_equal, 0), 2U);
  EXPECT_EQ(fewest(some_equal, 2), 3U);
  EXPECT_EQ(fewest(some_equal, 3), 0U);
}

TEST(Placement, one_shard_gets_everything) {
  const std::array<std::uint64_t, 1> loads{1000};
  EXPECT_EQ(fewest(loads, 0), 0U);
}

TEST(Placement, fills_shards_evenly) {
  std::array<std::uint64_t, 5> loads{3, 0, 0, 9, 0};
  std::size_t last = 0;
  for (int connection = 0; connection < 33; ++connection) ++loads[last = fewest(loads, last)];
  EXPECT_EQ(loads, (std::array<std::uint64_t, 5>{9, 9, 9, 9, 9}));
}

TEST(ConnectionLimit, gives_as_many_as_it_has) {
  ConnectionLimit limit{2};
  EXPECT_TRUE(limit.take());
  EXPECT_TRUE(limit.take());
  EXPECT_FALSE(limit.take());
  EXPECT_FALSE(limit.take());
  limit.give_back();
  EXPECT_TRUE(limit.take());
  EXPECT_FALSE(limit.take());
}

TEST(ConnectionLimit, of_zero_gives_none) {
  ConnectionLimit limit{0};
  EXPECT_FALSE(limit.take());
}

TEST(ConnectionLimit, is_not_passed_by_many_threads_and_is_whole_afterwards) {
  constexpr int most = 3;
  ConnectionLimit limit{most};
  std::atomic<int> holding{0};
  std::atomic<int> highest{0};
  std::vector<std::thread> threads;
  for (int count = 0; count < 4; ++count) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20'000; ++round) {
        if (!limit.take()) continue;
        const int now = holding.fetch_add(1) + 1;
        for (int seen = highest.load(); now > seen && !highest.compare_exchange_weak(seen, now);) {
        }
        holding.fetch_sub(1);
        limit.give_back();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(highest.load(), most);
  for (int taken = 0; taken < most; ++taken) EXPECT_TRUE(limit.take());
  EXPECT_FALSE(limit.take());
}

TEST(ShardCounters, each_number_reaches_the_sum_under_its_own_name) {
  ShardCounters shard;
  Counter* const own[] = {&shard.accepted,
                          &shard.shed,
                          &shard.refused,
                          &shard.accept_attempts,
                          &shard.accept_dropped,
                          &shard.accept_no_resources,
                          &shard.accept_no_handles,
                          &shard.accept_retries_paced,
                          &shard.accept_pauses,
                          &shard.listeners_lost,
                          &shard.listeners_restored,
                          &shard.connections_open,
                          &shard.bytes_received,
                          &shard.bytes_sent,
                          &shard.unsent_bytes,
                          &shard.handler_exceptions,
                          &shard.send_total_overflows,
                          &shard.receive_buffers_empty,
                          &shard.resource_retries,
                          &shard.completion_overflows,
                          &shard.stale_completions,
                          &shard.mailbox_undeliverable,
                          &shard.misplaced_calls,
                          &shard.loop_errors,
                          &shard.turns,
                          &shard.listeners_open,
                          &shard.accepts_in_flight,
                          &shard.listeners_waiting,
                          &shard.listeners_paused,
                          &shard.preparing,
                          &shard.stage_failed};
  std::uint64_t amount = 100;
  for (Counter* counter : own) counter->add(++amount);
  for (Counter& counter : shard.disconnected) counter.add(++amount);
  for (Counter& counter : shard.refused_for) counter.add(++amount);
  for (Counter& counter : shard.proxy_failed) counter.add(++amount);
  Counters sum;
  shard.add_to(sum);
  shard.add_to(sum);
  const std::uint64_t* const summed[] = {&sum.accepted,
                                         &sum.shed,
                                         &sum.refused,
                                         &sum.accept_attempts,
                                         &sum.accept_dropped,
                                         &sum.accept_no_resources,
                                         &sum.accept_no_handles,
                                         &sum.accept_retries_paced,
                                         &sum.accept_pauses,
                                         &sum.listeners_lost,
                                         &sum.listeners_restored,
                                         &sum.connections_open,
                                         &sum.bytes_received,
                                         &sum.bytes_sent,
                                         &sum.unsent_bytes,
                                         &sum.handler_exceptions,
                                         &sum.send_total_overflows,
                                         &sum.receive_buffers_empty,
                                         &sum.resource_retries,
                                         &sum.completion_overflows,
                                         &sum.stale_completions,
                                         &sum.mailbox_undeliverable,
                                         &sum.misplaced_calls,
                                         &sum.loop_errors,
                                         &sum.turns,
                                         &sum.listeners_open,
                                         &sum.accepts_in_flight,
                                         &sum.listeners_waiting,
                                         &sum.listeners_paused,
                                         &sum.preparing,
                                         &sum.stage_failed};
  static_assert(std::size(own) == std::size(summed));
  // All of both structures is listed above; mailbox_full is counted by the senders, addresses_untracked by the gate.
  static_assert(sizeof(ShardCounters) ==
                (std::size(own) + disconnect_reasons + refusals + proxy_failures) * sizeof(Counter));
  static_assert(sizeof(Counters) ==
                (std::size(summed) + disconnect_reasons + refusals + proxy_failures + 2) * sizeof(std::uint64_t));
  amount = 100;
  for (const std::uint64_t* number : summed) EXPECT_EQ(*number, 2 * ++amount);
  for (const std::uint64_t number : sum.disconnected) EXPECT_EQ(number, 2 * ++amount);
  for (const std::uint64_t number : sum.refused_for) EXPECT_EQ(number, 2 * ++amount);
  for (const std::uint64_t number : sum.proxy_failed) EXPECT_EQ(number, 2 * ++amount);
  EXPECT_EQ(sum.mailbox_full, 0U);
}

TEST(Counter, adds_subtracts_and_is_set) {
  Counter counter;
  counter.add();
  counter.add(10);
  counter.subtract();
  counter.subtract(4);
  EXPECT_EQ(counter.get(), 6U);
  counter.set(3);
  EXPECT_EQ(counter.get(), 3U);
}

}  // namespace
}  // namespace iocpp::core

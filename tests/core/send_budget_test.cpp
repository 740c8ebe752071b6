// What all send queues together may hold, and what a broadcast costs.
#include "core/send_budget.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/allocations.hpp"
#include "core/recorder.hpp"
#include "core/shard.hpp"

namespace iocpp::core {
namespace {

TEST(SendBudget, is_taken_in_portions_and_never_passed) {
  SendBudget budget{1'600, 1};
  EXPECT_EQ(budget.portion(), 100U);
  SendShare one{&budget};
  SendShare other{&budget};
  EXPECT_TRUE(one.take(1));
  EXPECT_TRUE(budget.take(1'500)) << "a byte costs a portion";
  EXPECT_TRUE(one.take(99));
  EXPECT_FALSE(one.take(1));
  EXPECT_FALSE(other.take(1));
  budget.give_back(1'500);
  EXPECT_TRUE(other.take(1'500)) << "all that is left";
  EXPECT_FALSE(other.take(1));
  one.give_back(100);
  other.give_back(1'500);
}

TEST(SendBudget, gives_back_what_is_not_used_but_a_portion) {
  SendBudget budget{1'600, 1};
  SendShare share{&budget};
  EXPECT_TRUE(share.take(1'000));
  share.give_back(1'000);
  EXPECT_FALSE(budget.take(1'501));
  EXPECT_TRUE(budget.take(1'500));
  budget.give_back(1'500);
}

TEST(SendBudget, without_one_everything_is_allowed) {
  SendShare share{nullptr};
  EXPECT_TRUE(share.take(SIZE_MAX));
  share.give_back(SIZE_MAX);
}

class TotalCap : public testing::Test {
 protected:
  static constexpr std::size_t block = BlockPool::block_bytes;
  static constexpr std::size_t total = 10 * block;

  SendBudget budget_{total, 1};
  Recorder handler_;
  Shard shard_{handler_, {.send_budget = &budget_}};
};

// A byte was counted as one, and a block of 2 KiB held for it: peers that did not read cost twice the cap and more.
TEST_F(TotalCap, counts_the_memory_that_is_held) {
  std::vector<Connection> connections;
  for (int count = 0; count < 11; ++count) connections.push_back(shard_.connect());
  for (int count = 0; count < 10; ++count) EXPECT_TRUE(connections[static_cast<std::size_t>(count)].send("q"));
  EXPECT_TRUE(connections.back().send("q").overflow);
  EXPECT_TRUE(connections.front().send(std::string(BlockPool::room - 1, 'q'))) << "there was room for these";
  for (const Connection connection : connections) connection.abort();
  shard_.turn();
  shard_.run_out();
}

TEST_F(TotalCap, counts_a_vector_with_the_room_that_it_has) {
  Connection connection = shard_.connect();
  std::vector<std::byte> bytes(6 * block);
  bytes.reserve(10 * block);
  EXPECT_TRUE(connection.send(std::move(bytes)).overflow);
  shard_.turn();
  shard_.run_out();
}

TEST_F(TotalCap, ends_the_connection_whose_send_would_pass_it) {
  Connection reader = shard_.connect();
  Connection hog = shard_.connect();
  EXPECT_TRUE(hog.send(std::string(9 * BlockPool::room, 'q')));
  EXPECT_TRUE(reader.send(std::string(BlockPool::room, 'q')));
  shard_.turn();
  const SendResult over = reader.send("q");
  EXPECT_TRUE(over.overflow);
  shard_.turn();
  EXPECT_FALSE(reader.is_open());
  EXPECT_TRUE(hog.is_open());
  EXPECT_EQ(shard_.core().counters().send_total_overflows.get(), 1U);
  shard_.run_out();
  EXPECT_EQ(handler_.end(reader).reason, DisconnectReason::send_overflow);
  EXPECT_TRUE(hog.send("q")) << "what it had queued has room again";
}

TEST_F(TotalCap, has_room_again_when_bytes_have_left_or_are_lost) {
  for (int round = 0; round < 20; ++round) {
    Connection connection = shard_.connect();
    EXPECT_TRUE(connection.send(std::string(8 * block, 'q')));
    shard_.turn();
    if (round % 2 == 0) shard_.sent_all(connection);
    connection.abort();
    shard_.turn();
    shard_.run_out();
  }
  EXPECT_TRUE(budget_.take(total - 2 * budget_.portion()));
}

TEST_F(TotalCap, is_given_back_where_memory_fails) {
  Connection connection = shard_.connect();
  {
    const AllocationsFail no_memory;
    EXPECT_FALSE(connection.send(std::string_view{"no block for this"}));
  }
  shard_.turn();
  shard_.run_out();
  EXPECT_TRUE(shard_.connect().send(std::string(10 * BlockPool::room, 'q'))) << "all of it is there";
}

TEST(Broadcast, of_a_shared_buffer_costs_one_buffer) {
  constexpr std::size_t bytes = 1U << 20;
  Recorder handler;
  Shard shard{handler};
  std::vector<Connection> connections;
  for (int count = 0; count < 200; ++count) connections.push_back(shard.connect());
  auto shared = std::make_shared<const std::vector<std::byte>>(bytes);
  const std::uint64_t before = allocated_bytes();
  for (const Connection connection : connections) EXPECT_TRUE(connection.send(shared));
  EXPECT_LT(allocated_bytes() - before, bytes) << "200 connections hold it, and it is there once";
  EXPECT_EQ(shared.use_count(), 201);
  for (const Connection connection : connections) connection.abort();
  shard.turn();
  shard.run_out();
  EXPECT_EQ(shared.use_count(), 1) << "freed with the last that sent it";
}

}  // namespace
}  // namespace iocpp::core

#include "core/block_pool.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "core/allocations.hpp"

namespace iocpp::core {
namespace {

TEST(BlockPool, gives_empty_blocks_of_one_size) {
  BlockPool pool;
  Block& block = pool.take();
  EXPECT_EQ(block.size(), 0U);
  EXPECT_EQ(block.room(), BlockPool::room);
  EXPECT_EQ(block.next, nullptr);
  std::memset(block.end, 0xab, block.room());
  EXPECT_EQ(pool.release(block), BlockPool::block_bytes);
}

TEST(BlockPool, says_what_its_blocks_hold) {
  BlockPool pool;
  EXPECT_EQ(BlockPool::held_by_copy(0), 0U);
  EXPECT_EQ(BlockPool::held_by_copy(1), BlockPool::block_bytes);
  EXPECT_EQ(BlockPool::held_by_copy(BlockPool::room), BlockPool::block_bytes);
  EXPECT_EQ(BlockPool::held_by_copy(BlockPool::room + 1), 2 * BlockPool::block_bytes);
  std::vector<std::byte> owner(3000);
  owner.reserve(5000);
  const auto shared = std::make_shared<const std::vector<std::byte>>(3000);
  const std::size_t held_by_owner = BlockPool::held_by(owner);
  EXPECT_GE(held_by_owner, 5000U);
  EXPECT_EQ(pool.release(pool.wrap(std::move(owner))), held_by_owner);
  EXPECT_GE(BlockPool::held_by(shared), 3000U);
  EXPECT_EQ(pool.release(pool.wrap(shared)), BlockPool::held_by(shared));
  EXPECT_EQ(pool.release(pool.lend(*shared, 0)), 2 * BlockPool::block_bytes) << "as a copy would";
}

TEST(BlockPool, blocks_do_not_overlap) {
  BlockPool pool;
  std::vector<Block*> blocks;
  for (std::size_t at = 0; at < 300; ++at) {
    blocks.push_back(&pool.take());
    Block& block = *blocks.back();
    std::memset(block.end, static_cast<int>(at & 0xff), block.room());
    block.end = block.limit;
  }
  EXPECT_EQ(pool.in_use(), blocks.size());
  for (std::size_t at = 0; at < blocks.size(); ++at) {
    const Block& block = *blocks[at];
    for (const std::byte* byte = block.begin; byte != block.end; ++byte) {
      ASSERT_EQ(*byte, static_cast<std::byte>(at & 0xff)) << "in block " << at;
    }
  }
  for (Block* block : blocks) pool.release(*block);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(BlockPool, hands_out_the_block_that_was_freed_last) {
  BlockPool pool;
  Block& one = pool.take();
  Block& other = pool.take();
  pool.release(one);
  pool.release(other);
  EXPECT_EQ(&pool.take(), &other);
  EXPECT_EQ(&pool.take(), &one);
  pool.release(one);
  pool.release(other);
}

TEST(BlockPool, a_used_block_comes_back_empty) {
  BlockPool pool;
  Block& block = pool.take();
  block.end += 100;
  block.begin += 50;
  pool.release(block);
  Block& again = pool.take();
  ASSERT_EQ(&again, &block);
  EXPECT_EQ(again.size(), 0U);
  EXPECT_EQ(again.room(), BlockPool::room);
  pool.release(again);
}

TEST(BlockPool, allocates_slabs_and_keeps_them) {
  BlockPool pool;
  std::vector<Block*> blocks;
  for (int taken = 0; taken < 64; ++taken) blocks.push_back(&pool.take());
  for (Block* block : blocks) pool.release(*block);
  const std::uint64_t before = allocations();
  for (Block*& block : blocks) block = &pool.take();
  for (Block* block : blocks) pool.release(*block);
  EXPECT_EQ(allocations(), before);
}

TEST(BlockPool, a_wrapped_vector_is_lent_as_it_is) {
  BlockPool pool;
  std::vector<std::byte> owner(5000, std::byte{7});
  const std::byte* bytes = owner.data();
  Block& block = pool.wrap(std::move(owner));
  EXPECT_EQ(block.begin, bytes);
  EXPECT_EQ(block.size(), 5000U);
  EXPECT_EQ(block.room(), 0U);
  EXPECT_EQ(block.kind, Block::Kind::foreign);
  pool.release(block);
}

TEST(BlockPool, shared_bytes_are_kept_until_their_last_block_is_released) {
  BlockPool pool;
  auto owner = std::make_shared<const std::vector<std::byte>>(3000, std::byte{9});
  const std::weak_ptr<const std::vector<std::byte>> watch = owner;
  Block& one = pool.wrap(owner);
  Block& other = pool.wrap(std::move(owner));
  EXPECT_EQ(one.begin, other.begin);
  pool.release(one);
  EXPECT_FALSE(watch.expired());
  pool.release(other);
  EXPECT_TRUE(watch.expired());
}

TEST(BlockPool, a_foreign_block_is_used_again_for_other_bytes) {
  BlockPool pool;
  Block& block = pool.wrap(std::vector<std::byte>(10));
  pool.release(block);
  std::vector<std::byte> owner(20);
  const std::byte* bytes = owner.data();
  const std::uint64_t before = allocations();
  Block& again = pool.wrap(std::move(owner));
  EXPECT_EQ(allocations(), before);
  EXPECT_EQ(&again, &block);
  EXPECT_EQ(again.begin, bytes);
  EXPECT_EQ(again.size(), 20U);
  pool.release(again);
}

TEST(BlockPool, without_memory_it_throws_and_is_as_it_was) {
  // A first slab takes two allocations: itself and the list that it is kept in. Each of them is the one that fails.
  for (std::uint64_t allowed = 0; allowed < 2; ++allowed) {
    BlockPool pool;
    std::vector<std::byte> owner(10);
    const auto shared = std::make_shared<const std::vector<std::byte>>(10);
    const auto fails = [allowed](auto&& call) {
      const AllocationsFail fail{allowed};
      EXPECT_THROW(call(), std::bad_alloc) << "after " << allowed << " allocations";
    };
    fails([&] { pool.take(); });
    fails([&] { pool.wrap(std::move(owner)); });
    fails([&] { pool.wrap(shared); });
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_EQ(owner.size(), 10U) << "what could not be taken stays the caller's";
    EXPECT_EQ(shared.use_count(), 1);
    pool.release(pool.take());
    pool.release(pool.wrap(std::move(owner)));
  }
}

}  // namespace
}  // namespace iocpp::core

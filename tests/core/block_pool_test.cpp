#include "core/block_pool.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "core/allocations.hpp"

namespace iocpp::core {
namespace {

constexpr std::size_t small_room = BlockPool::small_bytes - sizeof(Block);
constexpr std::size_t large_room = BlockPool::large_bytes - sizeof(Block);

TEST(BlockPool, gives_a_small_block_where_that_is_enough_and_a_large_one_otherwise) {
  BlockPool pool;
  struct Case {
    std::size_t wanted;
    std::size_t room;
  };
  for (const Case& size :
       {Case{0, small_room}, Case{1, small_room}, Case{small_room, small_room}, Case{small_room + 1, large_room},
        Case{large_room, large_room}, Case{large_room + 1, large_room}, Case{10 * large_room, large_room}}) {
    Block& block = pool.take(size.wanted);
    EXPECT_EQ(block.size(), 0U);
    EXPECT_EQ(block.room(), size.room) << "for " << size.wanted;
    EXPECT_EQ(block.next, nullptr);
    std::memset(block.end, 0xab, block.room());
    pool.release(block);
  }
}

TEST(BlockPool, blocks_do_not_overlap) {
  BlockPool pool;
  std::vector<Block*> blocks;
  for (std::size_t at = 0; at < 300; ++at) {
    blocks.push_back(&pool.take(at % 3 == 0 ? large_room : 1));
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
  Block& one = pool.take(1);
  Block& other = pool.take(1);
  pool.release(one);
  pool.release(other);
  EXPECT_EQ(&pool.take(1), &other);
  EXPECT_EQ(&pool.take(1), &one);
  pool.release(one);
  pool.release(other);
}

TEST(BlockPool, a_used_block_comes_back_empty) {
  BlockPool pool;
  Block& block = pool.take(1);
  block.end += 100;
  block.begin += 50;
  pool.release(block);
  Block& again = pool.take(1);
  ASSERT_EQ(&again, &block);
  EXPECT_EQ(again.size(), 0U);
  EXPECT_EQ(again.room(), small_room);
  pool.release(again);
}

TEST(BlockPool, allocates_slabs_and_keeps_them) {
  BlockPool pool;
  std::vector<Block*> blocks;
  for (int taken = 0; taken < 64; ++taken) blocks.push_back(&pool.take(1));
  for (Block* block : blocks) pool.release(*block);
  const std::uint64_t before = allocations();
  for (Block*& block : blocks) block = &pool.take(1);
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
    fails([&] { pool.take(1); });
    fails([&] { pool.take(large_room); });
    fails([&] { pool.wrap(std::move(owner)); });
    fails([&] { pool.wrap(shared); });
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_EQ(owner.size(), 10U) << "what could not be taken stays the caller's";
    EXPECT_EQ(shared.use_count(), 1);
    pool.release(pool.take(1));
    pool.release(pool.wrap(std::move(owner)));
  }
}

}  // namespace
}  // namespace iocpp::core

#include "core/byte_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <new>
#include <vector>

#include "base/prng.hpp"
#include "core/allocations.hpp"

namespace iocpp::core {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::size_t room = BlockPool::room;

/// Bytes that differ from their neighbours, beginning at `first` in an endless pattern.
Bytes pattern(std::size_t count, std::size_t first = 0) {
  Bytes bytes(count);
  for (std::size_t at = 0; at < count; ++at) bytes[at] = static_cast<std::byte>(((first + at) * 131) >> 3);
  return bytes;
}

Bytes contents(const ByteQueue& queue) {
  std::vector<Buffer> buffers(queue.size() + 1);
  const std::size_t count = queue.gather(buffers);
  Bytes bytes;
  for (std::size_t at = 0; at < count; ++at) {
    EXPECT_NE(buffers[at].size, 0U) << "an empty buffer in the middle of a send";
    bytes.insert(bytes.end(), buffers[at].bytes, buffers[at].bytes + buffers[at].size);
  }
  return bytes;
}

TEST(ByteQueue, a_new_queue_is_empty) {
  ByteQueue queue;
  std::array<Buffer, 2> buffers;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0U);
  EXPECT_EQ(queue.gather(buffers), 0U);
}

TEST(ByteQueue, keeps_bytes_of_every_size_whole) {
  for (const std::size_t size : {std::size_t{1}, room - 1, room, room + 1, 2 * room, 2 * room + 1, 100 * room + 17}) {
    BlockPool pool;
    ByteQueue queue;
    queue.append(pool, pattern(size));
    EXPECT_EQ(queue.size(), size);
    EXPECT_EQ(contents(queue), pattern(size)) << size << " bytes";
    queue.clear(pool);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(pool.in_use(), 0U);
  }
}

TEST(ByteQueue, small_appends_share_a_block) {
  BlockPool pool;
  ByteQueue queue;
  for (std::size_t at = 0; at < 100; ++at) queue.append(pool, pattern(10, 10 * at));
  EXPECT_EQ(pool.in_use(), 1U);
  EXPECT_EQ(contents(queue), pattern(1000));
  queue.clear(pool);
}

TEST(ByteQueue, appending_nothing_changes_nothing) {
  BlockPool pool;
  ByteQueue queue;
  queue.append(pool, std::span<const std::byte>{});
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(ByteQueue, what_was_gathered_does_not_move_whatever_is_appended) {
  BlockPool pool;
  ByteQueue queue;
  queue.append(pool, pattern(100));
  std::array<Buffer, 64> before;
  const std::size_t gathered = queue.gather(before);
  ASSERT_EQ(gathered, 1U);
  for (std::size_t at = 100; at < 200'000; at += 700) queue.append(pool, pattern(700, at));
  queue.append(pool.wrap(pattern(5000)));
  EXPECT_EQ(Bytes(before[0].bytes, before[0].bytes + before[0].size), pattern(100));
  queue.consume(pool, 40);
  EXPECT_EQ(Bytes(before[0].bytes + 40, before[0].bytes + before[0].size), pattern(60, 40));
  EXPECT_EQ(queue.front().data(), before[0].bytes + 40);
  queue.clear(pool);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(ByteQueue, gather_stops_where_the_buffers_end) {
  BlockPool pool;
  ByteQueue queue;
  for (int block = 0; block < 5; ++block) queue.append(pool.wrap(pattern(10)));
  std::array<Buffer, 3> buffers;
  EXPECT_EQ(queue.gather(buffers), 3U);
  EXPECT_EQ(queue.gather({}), 0U);
  queue.clear(pool);
}

TEST(ByteQueue, consuming_releases_blocks_as_they_empty) {
  BlockPool pool;
  ByteQueue queue;
  queue.append(pool.wrap(pattern(10)));
  queue.append(pool.wrap(pattern(10, 10)));
  queue.consume(pool, 0);
  queue.consume(pool, 9);
  EXPECT_EQ(pool.in_use(), 2U);
  queue.consume(pool, 1);
  EXPECT_EQ(pool.in_use(), 1U);
  EXPECT_EQ(contents(queue), pattern(10, 10));
  queue.consume(pool, 10);
  EXPECT_EQ(pool.in_use(), 0U);
  EXPECT_TRUE(queue.empty());
  queue.append(pool, pattern(3));
  EXPECT_EQ(contents(queue), pattern(3));
  queue.clear(pool);
}

TEST(ByteQueue, a_foreign_block_is_not_written_into) {
  BlockPool pool;
  ByteQueue queue;
  const auto shared = std::make_shared<const Bytes>(pattern(50));
  queue.append(pool, pattern(20));
  queue.append(pool.wrap(shared));
  queue.append(pool, pattern(20, 20));
  EXPECT_EQ(*shared, pattern(50));
  Bytes expected = pattern(20);
  const Bytes middle = pattern(50);
  const Bytes last = pattern(20, 20);
  expected.insert(expected.end(), middle.begin(), middle.end());
  expected.insert(expected.end(), last.begin(), last.end());
  EXPECT_EQ(contents(queue), expected);
  queue.clear(pool);
}

TEST(ByteQueue, without_memory_nothing_is_appended) {
  // The room in the last block is enough for a part of the bytes, and so is a first slab: a part must not get in.
  for (std::uint64_t allowed = 0; allowed < 4; ++allowed) {
    SCOPED_TRACE(allowed);
    BlockPool pool;
    ByteQueue queue;
    queue.append(pool, pattern(100));
    const Bytes more = pattern(256 * room, 100);
    {
      const AllocationsFail fail{allowed};
      EXPECT_THROW(queue.append(pool, more), std::bad_alloc);
    }
    EXPECT_EQ(contents(queue), pattern(100));
    EXPECT_EQ(pool.in_use(), 1U);
    queue.append(pool, more);
    EXPECT_EQ(contents(queue), pattern(100 + more.size()));
    queue.clear(pool);
    EXPECT_EQ(pool.in_use(), 0U);
  }
}

/// A queue and its model, driven by one seed.
class Pair {
 public:
  explicit Pair(std::uint64_t seed) : prng_{seed} {}
  ~Pair() { queue_.clear(pool_); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  void step() {
    const std::uint64_t choice = prng_.below(10);
    if (choice < 4) append_copy();
    if (choice == 4) append_owned();
    if (choice == 5) append_shared();
    if (choice == 6) gathered_ = gather();
    if (choice >= 7) consume();
    ASSERT_EQ(queue_.size(), model_.size());
    ASSERT_EQ(queue_.empty(), model_.empty());
    ASSERT_EQ(queue_.held(), held_);
    check_gathered();
  }

  bool same_contents() const { return std::ranges::equal(contents(queue_), model_); }
  std::size_t blocks() const { return pool_.in_use(); }
  void empty_both() {
    held_ -= queue_.clear(pool_);
    EXPECT_EQ(held_, 0U);
    model_.clear();
  }

 private:
  /// What a send in flight looks at: these addresses, these bytes, until they are consumed.
  struct Gathered {
    std::vector<Buffer> buffers;
    Bytes bytes;
  };

  Bytes some_bytes() {
    const std::size_t most = std::size_t{1} << prng_.below(18);
    const std::size_t count = 1 + prng_.below(most);
    Bytes bytes = pattern(count, written_);
    written_ += count;
    return bytes;
  }

  Bytes note(Bytes bytes) {
    model_.insert(model_.end(), bytes.begin(), bytes.end());
    return bytes;
  }

  void append_copy() {
    const Bytes bytes = note(some_bytes());
    held_ += queue_.held_by_more(bytes.size());
    queue_.append(pool_, bytes);
  }
  void append_owned() {
    Bytes bytes = note(some_bytes());
    held_ += BlockPool::held_by(bytes);
    queue_.append(pool_.wrap(std::move(bytes)));
  }
  void append_shared() {
    const auto bytes = std::make_shared<const Bytes>(note(some_bytes()));
    held_ += BlockPool::held_by(bytes);
    queue_.append(pool_.wrap(bytes));
  }

  Gathered gather() {
    Gathered gathered;
    gathered.buffers.resize(1 + prng_.below(64));
    gathered.buffers.resize(queue_.gather(gathered.buffers));
    for (const Buffer& buffer : gathered.buffers) {
      gathered.bytes.insert(gathered.bytes.end(), buffer.bytes, buffer.bytes + buffer.size);
    }
    EXPECT_TRUE(std::equal(gathered.bytes.begin(), gathered.bytes.end(), model_.begin()));
    return gathered;
  }

  void check_gathered() {
    auto expected = gathered_.bytes.begin();
    for (const Buffer& buffer : gathered_.buffers) {
      ASSERT_EQ(std::memcmp(buffer.bytes, &*expected, buffer.size), 0) << "bytes in flight have changed";
      expected += static_cast<std::ptrdiff_t>(buffer.size);
    }
  }

  void consume() {
    // As after a send: a prefix of what was gathered, or of all.
    const std::size_t most = gathered_.buffers.empty() ? model_.size() : gathered_.bytes.size();
    const std::size_t count = prng_.below(most + 1);
    gathered_ = {};
    held_ -= queue_.consume(pool_, count);
    model_.erase(model_.begin(), model_.begin() + static_cast<std::ptrdiff_t>(count));
  }

  Prng prng_;
  BlockPool pool_;
  ByteQueue queue_;
  std::deque<std::byte> model_;
  Gathered gathered_;
  std::size_t held_ = 0;
  std::size_t written_ = 0;
};

TEST(ByteQueue, agrees_with_a_deque_over_many_histories) {
  for (std::uint64_t seed = 0; seed < 60 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Pair pair{seed};
    for (int step = 0; step < 150 && !HasFailure(); ++step) pair.step();
    EXPECT_TRUE(pair.same_contents());
    pair.empty_both();
    EXPECT_EQ(pair.blocks(), 0U);
  }
}

}  // namespace
}  // namespace iocpp::core

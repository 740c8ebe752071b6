// Bytes in order, in blocks: a connection's send queue, and what arrived for a connection while it was paused.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "core/block_pool.hpp"

namespace iocpp::core {

/// A run of bytes for a gathered send.
struct Buffer {
  const std::byte* bytes;
  std::size_t size;
};

/// The queue owns its blocks but not the pool, which each call is handed: a queue in a slot is three words. What a
/// `gather` returned stays where it is until it is consumed, whatever is appended behind it. `clear` before the end.
class ByteQueue {
 public:
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  /// Appends a copy. Throws `std::bad_alloc`, and has appended nothing then.
  void append(BlockPool& pool, std::span<const std::byte> bytes);

  /// Appends a block of the pool's, without a copy.
  void append(Block& block) noexcept;

  /// The queue begins with bytes that are lent, and these are they.
  const Block* lent() const noexcept { return head_ != nullptr && head_->kind == Block::Kind::lent ? head_ : nullptr; }

  /// Puts a copy in the place of the lent bytes that it begins with: how much less memory it holds. Throws
  /// `std::bad_alloc`, and has changed nothing then.
  std::size_t keep_lent(BlockPool& pool);

  /// The first bytes of the queue, as many as `buffers` has room for: how many buffers were filled.
  std::size_t gather(std::span<Buffer> buffers) const noexcept;

  /// The first run of bytes that lie together.
  std::span<const std::byte> front() const noexcept { return {head_->begin, head_->size()}; }

  /// The first `bytes` have left. At most `size()`. How much less memory it holds.
  std::size_t consume(BlockPool& pool, std::size_t bytes) noexcept;

  std::size_t clear(BlockPool& pool) noexcept { return consume(pool, size_); }

  /// How much more memory it would hold with a copy of so many bytes.
  std::size_t held_by_more(std::size_t bytes) const noexcept {
    const std::size_t into_tail = tail_ == nullptr ? 0 : std::min(tail_->room(), bytes);
    return BlockPool::held_by_copy(bytes - into_tail);
  }
  /// For tests and the simulator: it looks at every block.
  std::size_t held() const noexcept;

 private:
  Block* head_ = nullptr;
  Block* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace iocpp::core

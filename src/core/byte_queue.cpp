#include "core/byte_queue.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace iocpp::core {

void ByteQueue::append(Block& block) noexcept {
  (head_ == nullptr ? head_ : tail_->next) = &block;
  tail_ = &block;
  size_ += block.size();
}

void ByteQueue::append(BlockPool& pool, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  if (head_ == nullptr && bytes.size() <= BlockPool::room) {
    // Most often: the first block, and the only one.
    Block& block = pool.take();
    std::memcpy(block.end, bytes.data(), bytes.size());
    block.end += bytes.size();
    return append(block);
  }
  const std::size_t into_tail = tail_ == nullptr ? 0 : std::min(tail_->room(), bytes.size());
  // New blocks first: if there is no memory for one, nothing has changed yet.
  ByteQueue rest;
  try {
    for (auto left = bytes.subspan(into_tail); !left.empty();) {
      Block& block = pool.take();
      const std::size_t part = std::min(block.room(), left.size());
      std::memcpy(block.end, left.data(), part);
      block.end += part;
      rest.append(block);
      left = left.subspan(part);
    }
  } catch (...) {
    rest.clear(pool);
    throw;
  }
  if (into_tail != 0) {
    std::memcpy(tail_->end, bytes.data(), into_tail);
    tail_->end += into_tail;
    size_ += into_tail;
  }
  if (rest.empty()) return;
  (head_ == nullptr ? head_ : tail_->next) = rest.head_;
  tail_ = rest.tail_;
  size_ += rest.size_;
}

std::size_t ByteQueue::keep_lent(BlockPool& pool) {
  assert(lent() != nullptr);
  Block& lent = *head_;
  ByteQueue kept;
  kept.append(pool, {lent.begin, lent.size()});
  const std::size_t held = kept.held();
  assert(kept.tail_ != nullptr);
  kept.tail_->next = lent.next;
  if (tail_ == &lent) tail_ = kept.tail_;
  head_ = kept.head_;
  return pool.release(lent) - held;
}

std::size_t ByteQueue::gather(std::span<Buffer> buffers) const noexcept {
  std::size_t filled = 0;
  for (const Block* block = head_; block != nullptr && filled < buffers.size(); block = block->next) {
    buffers[filled++] = Buffer{block->begin, block->size()};
  }
  return filled;
}

std::size_t ByteQueue::consume(BlockPool& pool, std::size_t bytes) noexcept {
  assert(bytes <= size_);
  size_ -= bytes;
  std::size_t freed = 0;
  while (bytes != 0) {
    Block& block = *head_;
    const std::size_t part = std::min(bytes, block.size());
    block.begin += part;
    bytes -= part;
    if (block.size() != 0) break;
    head_ = block.next;
    if (head_ == nullptr) tail_ = nullptr;
    freed += pool.release(block);
  }
  return freed;
}

std::size_t ByteQueue::held() const noexcept {
  std::size_t held = 0;
  for (const Block* block = head_; block != nullptr; block = block->next) held += BlockPool::held_by(*block);
  return held;
}

}  // namespace iocpp::core

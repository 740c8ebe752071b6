#include "core/block_pool.hpp"

#include <cassert>
#include <new>

namespace iocpp::core {
namespace {

constexpr std::size_t slab_bytes = 128U << 10;

std::byte* payload(Block& block) noexcept {
  return reinterpret_cast<std::byte*>(&block) + sizeof(Block);
}

}  // namespace

BlockPool::~BlockPool() {
  assert(in_use_ == 0);
}

Block& BlockPool::take(std::size_t wanted) {
  if (wanted <= small_bytes - sizeof(Block)) return take_from(free_small_, Block::Kind::small, small_bytes);
  return take_from(free_large_, Block::Kind::large, large_bytes);
}

Block& BlockPool::take_from(Block*& free, Block::Kind kind, std::size_t bytes) {
  if (free == nullptr) {
    static_assert(slab_bytes % small_bytes == 0 && slab_bytes % large_bytes == 0);
    slabs_.push_back(std::make_unique_for_overwrite<std::byte[]>(slab_bytes));
    for (std::size_t at = slab_bytes; at != 0; at -= bytes) {
      Block* block = new (slabs_.back().get() + at - bytes) Block;
      block->kind = kind;
      block->limit = reinterpret_cast<std::byte*>(block) + bytes;
      block->next = free;
      free = block;
    }
  }
  Block& block = *free;
  free = block.next;
  block.next = nullptr;
  block.begin = block.end = payload(block);
  ++in_use_;
  return block;
}

BlockPool::Foreign& BlockPool::take_foreign(std::span<const std::byte> bytes, Block::Kind kind) {
  assert(!bytes.empty());
  if (free_foreign_ == nullptr) {
    foreign_.push_back(std::make_unique<Foreign>());
    free_foreign_ = foreign_.back().get();
  }
  Foreign& block = static_cast<Foreign&>(*free_foreign_);
  free_foreign_ = block.next;
  block.next = nullptr;
  block.kind = kind;
  // Shared and lent bytes are const for everybody; a block's bytes are only ever written between `end` and `limit`,
  // which is empty here.
  block.begin = const_cast<std::byte*>(bytes.data());
  block.end = block.limit = block.begin + bytes.size();
  ++in_use_;
  return block;
}

Block& BlockPool::wrap(std::vector<std::byte>&& owner) {
  Foreign& block = take_foreign(owner, Block::Kind::foreign);
  block.owner = std::move(owner);
  return block;
}

Block& BlockPool::wrap(SharedBytes owner) {
  Foreign& block = take_foreign(*owner, Block::Kind::foreign);
  block.owner = std::move(owner);
  return block;
}

Block& BlockPool::lend(std::span<const std::byte> bytes, std::uint16_t buffer) {
  Foreign& block = take_foreign(bytes, Block::Kind::lent);
  block.buffer = buffer;
  return block;
}

void BlockPool::release(Block& block) noexcept {
  assert(in_use_ > 0);
  --in_use_;
  Block** free = &free_small_;
  if (block.kind == Block::Kind::large) free = &free_large_;
  if (block.kind >= Block::Kind::foreign) {
    static_cast<Foreign&>(block).owner = std::monostate{};
    free = &free_foreign_;
  }
  block.next = *free;
  *free = &block;
}

}  // namespace iocpp::core

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

Block& BlockPool::take() {
  if (free_ == nullptr) add_slab();
  Block& block = *free_;
  free_ = block.next;
  block.next = nullptr;
  block.begin = block.end = payload(block);
  ++in_use_;
  return block;
}

void BlockPool::add_slab() {
  static_assert(slab_bytes % block_bytes == 0);
  slabs_.push_back(std::make_unique_for_overwrite<std::byte[]>(slab_bytes));
  for (std::size_t at = slab_bytes; at != 0; at -= block_bytes) {
    Block* block = new (slabs_.back().get() + at - block_bytes) Block;
    block->limit = reinterpret_cast<std::byte*>(block) + block_bytes;
    block->next = free_;
    free_ = block;
  }
}

BlockPool::Foreign& BlockPool::take_foreign(std::span<const std::byte> bytes, Block::Kind kind, std::size_t held) {
  assert(!bytes.empty());
  if (free_foreign_ == nullptr) {
    foreign_.push_back(std::make_unique<Foreign>());
    free_foreign_ = foreign_.back().get();
  }
  Foreign& block = static_cast<Foreign&>(*free_foreign_);
  free_foreign_ = block.next;
  block.next = nullptr;
  block.kind = kind;
  block.held = held;
  // Shared and lent bytes are const for everybody; a block's bytes are only ever written between `end` and `limit`,
  // which is empty here.
  block.begin = const_cast<std::byte*>(bytes.data());
  block.end = block.limit = block.begin + bytes.size();
  ++in_use_;
  return block;
}

Block& BlockPool::wrap(std::vector<std::byte>&& owner) {
  Foreign& block = take_foreign(owner, Block::Kind::foreign, held_by(owner));
  block.owner = std::move(owner);
  return block;
}

Block& BlockPool::wrap(SharedBytes owner) {
  Foreign& block = take_foreign(*owner, Block::Kind::foreign, held_by(owner));
  block.owner = std::move(owner);
  return block;
}

Block& BlockPool::lend(std::span<const std::byte> bytes, std::uint16_t buffer) {
  // As much as the copy that may take their place.
  Foreign& block = take_foreign(bytes, Block::Kind::lent, held_by_copy(bytes.size()));
  block.buffer = buffer;
  return block;
}

std::size_t BlockPool::release(Block& block) noexcept {
  assert(in_use_ > 0);
  --in_use_;
  if (block.kind == Block::Kind::own) [[likely]] {
    block.next = free_;
    free_ = &block;
    return block_bytes;
  }
  Foreign& foreign = static_cast<Foreign&>(block);
  foreign.owner = std::monostate{};
  foreign.next = free_foreign_;
  free_foreign_ = &foreign;
  return foreign.held;
}

}  // namespace iocpp::core

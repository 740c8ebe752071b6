// The memory that queued bytes lie in: blocks of one size, kept for reuse, and nodes for bytes that lie elsewhere. The
// user gave them away, or they lie in a receive buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "iocpp/connection.hpp"

namespace iocpp::core {

/// A run of bytes in a queue. They never move; `begin` advances as they leave, `end` as more are appended.
struct Block {
  enum class Kind : std::uint8_t { own, foreign, lent };  ///< From `foreign` on the bytes lie elsewhere.

  Block* next = nullptr;
  std::byte* begin = nullptr;
  std::byte* end = nullptr;
  std::byte* limit = nullptr;  ///< Past the room for more; a foreign or lent block has none.
  Kind kind = Kind::own;
  std::uint16_t buffer = 0;  ///< lent: the receive buffer.

  std::size_t size() const noexcept { return static_cast<std::size_t>(end - begin); }
  std::size_t room() const noexcept { return static_cast<std::size_t>(limit - end); }
};

/// A shard's blocks. Allocates slabs, never returns them before its own end, and hands out the block that was freed
/// last (its cache lines are warm). All are of one size, so that the slabs are never more than what was held at once.
/// What is handed out must come back by `release` before the pool is destroyed.
class BlockPool {
 public:
  BlockPool() = default;
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  ~BlockPool();

  /// An empty block with room for `room` bytes.
  Block& take();

  /// A block that is the bytes of `owner`, which it keeps until it is released. `owner` is not empty.
  Block& wrap(std::vector<std::byte>&& owner);
  Block& wrap(SharedBytes owner);

  /// A block that is `bytes`, which lie in a receive buffer and stay the port's. Not empty.
  Block& lend(std::span<const std::byte> bytes, std::uint16_t buffer);

  /// How much memory was held by it.
  std::size_t release(Block& block) noexcept;

  /// What is held by the blocks that a copy of so many bytes takes, by a wrapped vector and by shared bytes.
  static std::size_t held_by_copy(std::size_t bytes) noexcept { return (bytes + room - 1) / room * block_bytes; }
  static std::size_t held_by(const std::vector<std::byte>& owner) noexcept {
    return sizeof(Foreign) + owner.capacity();
  }
  static std::size_t held_by(const SharedBytes& owner) noexcept { return sizeof(Foreign) + owner->size(); }
  static std::size_t held_by(const Block& block) noexcept {
    return block.kind == Block::Kind::own ? block_bytes : static_cast<const Foreign&>(block).held;
  }

  /// Blocks handed out and not yet released.
  std::size_t in_use() const noexcept { return in_use_; }

  static constexpr std::size_t block_bytes = 2048;  ///< With the block's own header.
  static constexpr std::size_t room = block_bytes - sizeof(Block);

 private:
  struct Foreign : Block {
    std::variant<std::monostate, std::vector<std::byte>, SharedBytes> owner;
    std::size_t held = 0;
  };
  using Slab = std::unique_ptr<std::byte[]>;

  void add_slab();
  Foreign& take_foreign(std::span<const std::byte> bytes, Block::Kind kind, std::size_t held);

  Block* free_ = nullptr;
  Block* free_foreign_ = nullptr;
  std::size_t in_use_ = 0;
  std::vector<Slab> slabs_;
  std::vector<std::unique_ptr<Foreign>> foreign_;
};

}  // namespace iocpp::core

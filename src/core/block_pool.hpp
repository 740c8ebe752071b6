// The memory that queued bytes lie in: blocks of two sizes, kept for reuse, and nodes for bytes that lie elsewhere.
// The user gave them away, or they lie in a receive buffer.
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
  enum class Kind : std::uint8_t { small, large, foreign, lent };  ///< From `foreign` on the bytes lie elsewhere.

  Block* next = nullptr;
  std::byte* begin = nullptr;
  std::byte* end = nullptr;
  std::byte* limit = nullptr;  ///< Past the room for more; a foreign or lent block has none.
  Kind kind = Kind::small;
  std::uint16_t buffer = 0;  ///< lent: the receive buffer.

  std::size_t size() const noexcept { return static_cast<std::size_t>(end - begin); }
  std::size_t room() const noexcept { return static_cast<std::size_t>(limit - end); }
};

/// A shard's blocks. Allocates slabs, never returns them before its own end, and hands out the block that was freed
/// last (its cache lines are warm). What is handed out must come back by `release` before the pool is destroyed.
class BlockPool {
 public:
  BlockPool() = default;
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  ~BlockPool();

  /// An empty block with room for at least one byte, and for all of `wanted` where a large block holds that.
  Block& take(std::size_t wanted);

  /// A block that is the bytes of `owner`, which it keeps until it is released. `owner` is not empty.
  Block& wrap(std::vector<std::byte>&& owner);
  Block& wrap(SharedBytes owner);

  /// A block that is `bytes`, which lie in a receive buffer and stay the port's. Not empty.
  Block& lend(std::span<const std::byte> bytes, std::uint16_t buffer);

  void release(Block& block) noexcept;

  /// Blocks handed out and not yet released.
  std::size_t in_use() const noexcept { return in_use_; }

  static constexpr std::size_t small_bytes = 2048;   ///< With the block's own header.
  static constexpr std::size_t large_bytes = 65536;  ///< The same.

 private:
  struct Foreign : Block {
    std::variant<std::monostate, std::vector<std::byte>, SharedBytes> owner;
  };
  using Slab = std::unique_ptr<std::byte[]>;

  Block& take_from(Block*& free, Block::Kind kind, std::size_t bytes);
  Foreign& take_foreign(std::span<const std::byte> bytes, Block::Kind kind);

  Block* free_small_ = nullptr;
  Block* free_large_ = nullptr;
  Block* free_foreign_ = nullptr;
  std::size_t in_use_ = 0;
  std::vector<Slab> slabs_;
  std::vector<std::unique_ptr<Foreign>> foreign_;
};

}  // namespace iocpp::core

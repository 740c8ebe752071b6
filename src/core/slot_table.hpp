// The slots of a shard's connections: found by index, never moved, never confused with an earlier use.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "base/cache_line.hpp"
#include "core/slot.hpp"

namespace iocpp::core {

/// Slots come in chunks that stay where they are. A slot's generation grows at each release; when it is used up (after
/// 2^32 - 1 connections) the slot is retired, so that an id is never given out twice. Generation 0 is never used.
class SlotTable {
 public:
  /// A slot in state `free`, with its index and generation; null when 2^24 are in use or there is no memory for more.
  Slot* take() noexcept;

  void release(Slot& slot) noexcept;

  /// The slot, if that generation of it is in use; null for anything stale or made up.
  Slot* find(std::uint32_t index, std::uint32_t generation) const noexcept {
    if (index >= size_) return nullptr;
    Slot& slot = at(index);
    return slot.generation == generation && slot.state != SlotState::free ? &slot : nullptr;
  }

  /// A slot that was taken, whatever its generation.
  Slot& at(std::uint32_t index) const noexcept {
    return (*chunks_[index >> chunk_bits])[index & (chunk_slots - 1)].slot;
  }

  std::uint32_t in_use() const noexcept { return in_use_; }

  /// Calls `visit(Slot&)` for each slot in use. `visit` may change it, and release it.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::uint32_t index = 0; index < size_; ++index) {
      if (at(index).state != SlotState::free) visit(at(index));
    }
  }

  static constexpr std::uint32_t capacity = 1U << 24;
  static constexpr std::uint32_t last_generation = std::numeric_limits<std::uint32_t>::max();

 private:
  static constexpr std::uint32_t chunk_bits = 8;
  static constexpr std::uint32_t chunk_slots = 1U << chunk_bits;
  static constexpr std::uint32_t none = capacity;
  struct alignas(cache_line) Place {
    Slot slot;
  };
  using Chunk = std::array<Place, chunk_slots>;

  bool grow() noexcept;

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::uint32_t size_ = 0;
  std::uint32_t in_use_ = 0;
  std::uint32_t free_ = none;  ///< The free list runs through `Slot::send_in_flight_bytes`.
};

}  // namespace iocpp::core

// What some connections need beside their slot: made where it is first used, so that who never uses it pays nothing.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace iocpp::core {

/// Entries by slot index, in chunks that stay where they are. A chunk is made with its first entry, and kept.
template <class Entry>
class SlotColumn {
 public:
  /// The slot's entry, for the first time or again. Throws `std::bad_alloc`.
  Entry& make(std::uint32_t index) {
    const std::uint32_t chunk = index >> chunk_bits;
    if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
    if (chunks_[chunk] == nullptr) chunks_[chunk] = std::make_unique<Chunk>();
    return (*this)[index];
  }

  /// Null where none of its neighbours was ever made.
  Entry* find(std::uint32_t index) noexcept {
    const std::uint32_t chunk = index >> chunk_bits;
    return chunk < chunks_.size() && chunks_[chunk] != nullptr ? &(*this)[index] : nullptr;
  }

  /// One that was made.
  Entry& operator[](std::uint32_t index) noexcept {
    return (*chunks_[index >> chunk_bits])[index & (chunk_entries - 1)];
  }

 private:
  static constexpr std::uint32_t chunk_bits = 8;
  static constexpr std::uint32_t chunk_entries = 1U << chunk_bits;
  using Chunk = std::array<Entry, chunk_entries>;

  std::vector<std::unique_ptr<Chunk>> chunks_;
};

}  // namespace iocpp::core

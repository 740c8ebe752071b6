// Objects by number, in blocks that do not move, kept for reuse.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace iocpp::simulator {

inline constexpr std::uint32_t no_index = UINT32_MAX;

/// `T` has a `generation` that grows each time that it is given back, so that whatever is late finds nobody. The one
/// that came back last is given out first: what is stale meets the next owner at once.
template <class T>
class Pool {
 public:
  std::uint32_t take() {
    if (free_.empty()) add_block();
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }
  void release(std::uint32_t index) noexcept {
    ++(*this)[index].generation;
    free_.push_back(index);
  }

  T& operator[](std::uint32_t index) noexcept { return (*blocks_[index / block])[index % block]; }
  const T& operator[](std::uint32_t index) const noexcept { return (*blocks_[index / block])[index % block]; }
  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(blocks_.size() * block); }
  std::uint32_t in_use() const noexcept { return size() - static_cast<std::uint32_t>(free_.size()); }

 private:
  static constexpr std::uint32_t block = 128;

  void add_block() {
    const std::uint32_t first = size();
    blocks_.push_back(std::make_unique<std::array<T, block>>());
    free_.reserve(size());
    for (std::uint32_t index = block; index > 0; --index) free_.push_back(first + index - 1);
  }

  std::vector<std::unique_ptr<std::array<T, block>>> blocks_;
  std::vector<std::uint32_t> free_;
};

}  // namespace iocpp::simulator

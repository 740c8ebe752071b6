// How work and streams are cut into parts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stress/pattern.hpp"

namespace stress {

struct Part {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
};

/// Part `index` of `whole` things that are dealt to `parts` as evenly as they can be.
constexpr Part part_of(std::uint64_t whole, std::uint64_t parts, std::uint64_t index) noexcept {
  const std::uint64_t size = whole / parts;
  const std::uint64_t larger = whole % parts;  // so many parts get one more
  return {index * size + (index < larger ? index : larger), size + (index < larger ? 1 : 0)};
}

/// Whether thing number `index` belongs to a `share` (0 to 1) that is exact and evenly spread: it does when (index + 1)
/// * share has passed another whole number.
constexpr bool in_share(std::uint64_t index, double share) noexcept {
  const auto before = static_cast<std::uint64_t>(static_cast<double>(index) * share);
  const auto after = static_cast<std::uint64_t>(static_cast<double>(index + 1) * share);
  return after > before;
}

/// The next of a sequence of random sizes, 1 to 65,536, small ones as likely as large ones. `state` is its place in the
/// sequence.
constexpr std::size_t next_split(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15U;
  const std::uint64_t random = mix(state);
  const std::uint64_t up_to = std::uint64_t{1} << (random % 17);
  return 1 + (random >> 8) % up_to;
}

}  // namespace stress

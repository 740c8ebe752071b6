// The bytes that a connection sends, so that a wrong one coming back is seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace stress {

/// A stream of bytes that depends on the connection and on the offset: a byte that is lost, doubled, moved, or another
/// connection's does not match. Any part of it can be made or checked at any time, without memory.
class Pattern {
 public:
  explicit Pattern(std::uint64_t connection) noexcept;

  /// Writes the stream's bytes from `offset` on.
  void fill(std::uint64_t offset, std::span<std::byte> space) const noexcept;

  /// Whether `bytes` are the stream's from `offset` on.
  bool matches(std::uint64_t offset, std::span<const std::byte> bytes) const noexcept;

 private:
  std::uint64_t word(std::uint64_t index) const noexcept;

  std::uint64_t key_;
};

/// A bijection of 64 bits that leaves no visible pattern (the finaliser of SplitMix64).
constexpr std::uint64_t mix(std::uint64_t value) noexcept {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31);
}

}  // namespace stress

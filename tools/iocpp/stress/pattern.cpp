#include "stress/pattern.hpp"

#include <algorithm>
#include <cstring>

namespace stress {
namespace {

constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;
constexpr std::size_t word_bytes = sizeof(std::uint64_t);

/// The bytes of [offset, offset + size) up to the first whole word.
std::size_t head_bytes(std::uint64_t offset, std::size_t size) {
  return std::min<std::size_t>(size, (word_bytes - offset % word_bytes) % word_bytes);
}

}  // namespace

Pattern::Pattern(std::uint64_t connection) noexcept : key_{mix((connection + 1) * golden)} {}

std::uint64_t Pattern::word(std::uint64_t index) const noexcept {
  return mix(key_ + index * golden);
}

void Pattern::fill(std::uint64_t offset, std::span<std::byte> space) const noexcept {
  const auto fill_part = [&](std::uint64_t at, std::span<std::byte> part) {
    const std::uint64_t value = word(at / word_bytes);
    std::memcpy(part.data(), reinterpret_cast<const std::byte*>(&value) + at % word_bytes, part.size());
  };
  const std::size_t head = head_bytes(offset, space.size());
  if (head != 0) fill_part(offset, space.first(head));
  std::size_t place = head;
  for (; place + word_bytes <= space.size(); place += word_bytes) {
    const std::uint64_t value = word((offset + place) / word_bytes);
    std::memcpy(space.data() + place, &value, word_bytes);
  }
  if (place < space.size()) fill_part(offset + place, space.subspan(place));
}

bool Pattern::matches(std::uint64_t offset, std::span<const std::byte> bytes) const noexcept {
  const auto part_matches = [&](std::uint64_t at, std::span<const std::byte> part) {
    const std::uint64_t value = word(at / word_bytes);
    return std::memcmp(part.data(), reinterpret_cast<const std::byte*>(&value) + at % word_bytes, part.size()) == 0;
  };
  const std::size_t head = head_bytes(offset, bytes.size());
  bool same = head == 0 || part_matches(offset, bytes.first(head));
  std::size_t place = head;
  std::uint64_t difference = 0;
  for (; place + word_bytes <= bytes.size(); place += word_bytes) {
    std::uint64_t actual = 0;
    std::memcpy(&actual, bytes.data() + place, word_bytes);
    difference |= actual ^ word((offset + place) / word_bytes);
  }
  if (place < bytes.size()) same = part_matches(offset + place, bytes.subspan(place)) && same;
  return same && difference == 0;
}

}  // namespace stress

// A quick hash of bytes: whether a sender has changed what the kernel was to read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace iocpp::simulator {

inline std::uint64_t hash_of_bytes(std::span<const std::byte> bytes, std::uint64_t seed = 0) noexcept {
  std::uint64_t hash = seed ^ (bytes.size() * 0x9e3779b97f4a7c15U);
  while (bytes.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    hash = (hash ^ word) * 0xff51afd7ed558ccdU;
    hash ^= hash >> 32;
    bytes = bytes.subspan(sizeof word);
  }
  for (const std::byte byte : bytes) hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3U;
  return hash;
}

}  // namespace iocpp::simulator

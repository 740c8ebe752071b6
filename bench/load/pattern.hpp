// The bytes that connections send, so that what comes back can be checked without being remembered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace load {

/// An endless sequence that repeats after `period` bytes. Byte n of a stream is byte n of the sequence. The period is a
/// prime, so that messages of any size that change places, get lost or come twice do not match; and small, so that
/// checking stays in the cache that the measured server shares.
class Pattern {
 public:
  static constexpr std::size_t period = 4093;

  /// `span_bytes_max`: the longest piece that is sent or compared at once.
  explicit Pattern(std::size_t span_bytes_max) : bytes_(period + span_bytes_max) {
    std::uint32_t state = 2463534242;
    for (std::size_t index = 0; index < bytes_.size(); ++index) {
      state ^= state << 13;
      state ^= state >> 17;
      state ^= state << 5;
      bytes_[index] = index < period ? static_cast<char>(state) : bytes_[index - period];
    }
  }

  const char* at(std::uint64_t position) const { return bytes_.data() + position % period; }

  bool matches(std::uint64_t position, std::span<const char> bytes) const {
    return std::memcmp(at(position), bytes.data(), bytes.size()) == 0;
  }

 private:
  std::vector<char> bytes_;
};

}  // namespace load

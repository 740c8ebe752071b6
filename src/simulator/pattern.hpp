// What clients send: bytes that depend on the connection and the offset, so that any loss, doubling or mixing shows.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/prng.hpp"

namespace iocpp::simulator {

class Pattern {
 public:
  Pattern() {
    Prng prng{0x7061747465726e};
    for (std::size_t at = 0; at < period; ++at) bytes_[at] = static_cast<std::byte>(prng.next());
    std::copy_n(bytes_.begin(), period, bytes_.begin() + period);
  }

  /// The next `size` bytes of a connection's stream; fewer where the pattern begins anew.
  std::span<const std::byte> at(std::uint32_t connection, std::uint64_t offset, std::size_t size) const noexcept {
    const std::size_t begin = (std::uint64_t{connection} * 7919 + offset) % period;
    return {bytes_.data() + begin, std::min(size, period)};
  }

  bool matches(std::uint32_t connection, std::uint64_t offset, std::span<const std::byte> bytes) const noexcept {
    while (!bytes.empty()) {
      const std::span<const std::byte> expected = at(connection, offset, bytes.size());
      if (std::memcmp(bytes.data(), expected.data(), expected.size()) != 0) return false;
      offset += expected.size();
      bytes = bytes.subspan(expected.size());
    }
    return true;
  }

 private:
  static constexpr std::size_t period = 16'381;  // a prime

  std::array<std::byte, 2 * period> bytes_;
};

}  // namespace iocpp::simulator

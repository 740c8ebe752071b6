// A hash that nobody outside can predict: keys that peers choose can't be made to meet.
#pragma once

#include <bit>
#include <cstdint>

namespace iocpp {

/// Secret, and of any value.
struct HashKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

/// SipHash-1-3 (Aumasson and Bernstein, 2012) of three words.
class KeyedHash {
 public:
  explicit constexpr KeyedHash(const HashKey& key) noexcept
      : a_{key.low ^ 0x736f6d6570736575U},
        b_{key.high ^ 0x646f72616e646f6dU},
        c_{key.low ^ 0x6c7967656e657261U},
        d_{key.high ^ 0x7465646279746573U} {}

  constexpr std::uint64_t operator()(std::uint64_t first, std::uint64_t second, std::uint64_t third) noexcept {
    for (const std::uint64_t word : {first, second, third, std::uint64_t{24} << 56}) {
      d_ ^= word;
      round();
      a_ ^= word;
    }
    c_ ^= 0xff;
    for (int finish = 0; finish < 3; ++finish) round();
    return a_ ^ b_ ^ c_ ^ d_;
  }

 private:
  constexpr void round() noexcept {
    a_ += b_;
    c_ += d_;
    b_ = std::rotl(b_, 13) ^ a_;
    d_ = std::rotl(d_, 16) ^ c_;
    a_ = std::rotl(a_, 32) + d_;
    c_ += b_;
    b_ = std::rotl(b_, 17) ^ c_;
    d_ = std::rotl(d_, 21) ^ a_;
    c_ = std::rotl(c_, 32);
  }

  std::uint64_t a_;
  std::uint64_t b_;
  std::uint64_t c_;
  std::uint64_t d_;
};

}  // namespace iocpp

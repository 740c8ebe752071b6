// A small seeded generator (splitmix64, Steele, Lea and Flood 2014): the same numbers on every compiler.
#pragma once

#include <cstdint>

namespace iocpp {

class Prng {
 public:
  explicit constexpr Prng(std::uint64_t seed) noexcept : state_{seed} {}

  constexpr std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31);
  }

  /// A number in [0, bound). `bound` is at least 1; the bias is below bound / 2^64.
  constexpr std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace iocpp

// Where chance comes from: independent streams, so that drawing more of one changes nothing in another.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/prng.hpp"

namespace iocpp::simulator {

/// One stream a purpose. Fewer peers or fewer faults (a shrunk case) leave the other streams as they were.
struct Streams {
  explicit Streams(std::uint64_t seed) noexcept : Streams{Prng{seed}} {}

  Prng plan;       ///< What kind of run it is: shards, limits, the kernel's age.
  Prng peers;      ///< What clients do.
  Prng network;    ///< Delays and splits on the way.
  Prng kernel;     ///< What the system decides: order, inline or later.
  Prng faults;     ///< What goes wrong.
  Prng scheduler;  ///< Who of those that could go next goes.

 private:
  explicit Streams(Prng root) noexcept
      : plan{root.next()},
        peers{root.next()},
        network{root.next()},
        kernel{root.next()},
        faults{root.next()},
        scheduler{root.next()} {}
};

/// A number from `least` to `most`, both possible.
constexpr std::uint64_t between(Prng& prng, std::uint64_t least, std::uint64_t most) noexcept {
  return least + prng.below(most - least + 1);
}

constexpr bool one_in(Prng& prng, std::uint64_t count) noexcept {
  return prng.below(count) == 0;
}

/// Up to `most`: half of the draws within a sixteenth of it, so that both the near and the far are common.
constexpr std::chrono::nanoseconds delay(Prng& prng, std::chrono::nanoseconds most) noexcept {
  const std::uint64_t draw = prng.next();
  const auto range = static_cast<std::uint64_t>((draw & 1U) != 0 ? most.count() : most.count() / 16);
  return std::chrono::nanoseconds{static_cast<std::int64_t>((draw >> 1) % (range + 1))};
}

}  // namespace iocpp::simulator

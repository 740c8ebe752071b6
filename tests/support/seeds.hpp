// How many seeds a test of random runs takes.
#pragma once

#include <cstdint>

namespace iocpp::tests {

/// A tenth where programs are ten times as slow: under sanitizers and in Wine. The breadth is scripts/simulate-ci's.
constexpr std::uint64_t seeds(std::uint64_t count) {
#ifdef IOCPP_SLOW_TESTS
  return (count + 9) / 10;
#else
  return count;
#endif
}

}  // namespace iocpp::tests

// On which shard an accepted connection is to live.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace iocpp::core {

/// A shard that accepts for itself keeps what it accepts. One that accepts for others places each connection where
/// there are the fewest.
enum class Placement : std::uint8_t { self, fewest_connections };

/// The index of the smallest load; among equals the first after `last`, so that equal shards take turns. `loads` is not
/// empty.
inline std::size_t fewest(std::span<const std::uint64_t> loads, std::size_t last) noexcept {
  std::size_t best = (last + 1) % loads.size();
  for (std::size_t step = 2; step <= loads.size(); ++step) {
    const std::size_t candidate = (last + step) % loads.size();
    if (loads[candidate] < loads[best]) best = candidate;
  }
  return best;
}

}  // namespace iocpp::core

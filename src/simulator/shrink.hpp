// A failing run made smaller: fewer connections and fewer faults, and it fails as before.
#pragma once

#include <cstdint>
#include <functional>

#include "simulator/shard.hpp"
#include "simulator/simulation.hpp"

namespace iocpp::simulator {

/// The events of all tries together, after which nothing more is tried: some seconds, and, unlike seconds, the same
/// everywhere.
inline constexpr std::uint64_t shrink_events_max = 6'000'000;

/// `failing`, or a smaller number, not below `least`, for which `fails` said true: by halving, so it is not always the
/// smallest. Small ones are tried first: they take the least time.
std::uint64_t smaller_failing(std::uint64_t least, std::uint64_t failing,
                              const std::function<bool(std::uint64_t)>& fails);

struct Shrunk {
  Plan plan;
  Outcome outcome;    ///< Of the same invariant as before.
  unsigned runs = 0;  ///< That were tried.
};

/// `failed` is the outcome of `plan`, with a violation. The same plan shrinks to the same one.
Shrunk shrink(const Plan& plan, const Outcome& failed, MakeShard make_shard,
              std::uint64_t events_max = shrink_events_max);
Shrunk shrink(const Plan& plan, const Outcome& failed);

}  // namespace iocpp::simulator

// A run of the whole server over a simulated system: from a seed to a verdict.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iocpp/handler.hpp"
#include "simulator/faults.hpp"
#include "simulator/scenario.hpp"

namespace iocpp::simulator {

enum class Platform : std::uint8_t { io_uring, epoll, iocp };

std::string_view to_string(Platform platform) noexcept;
System system_of(Platform platform) noexcept;

/// Whether the cell of `fault_cells()` can happen on the platform.
bool reachable(Platform platform, std::size_t cell) noexcept;

/// Of the questions of a cell's site, from the `first` on every `every`th, `count` of them, are answered with it.
struct ForcedFault {
  /// Until three seconds have passed: longer than the pauses between attempts, shorter than an abort or a close may
  /// take.
  static constexpr std::uint64_t for_ever = UINT64_MAX;

  std::size_t cell;
  std::uint64_t first;
  std::uint64_t count;
  std::uint64_t every = 1;
};

struct Plan {
  std::uint64_t seed = 1;
  Platform platform = Platform::io_uring;
  std::uint32_t connections = 1000;
  Level faults = Level::light;
  Scenario scenario = Scenario::mixed;
  std::vector<ForcedFault> forced{};
  HandlerFactory handler{};           ///< Empty: an echo.
  Handler* shared_handler = nullptr;  ///< In place of one a shard.
  bool expects_echo = true;           ///< The handler sends back what it receives; clients demand it.
  std::size_t last_steps = 40;        ///< Of a failed run, in words.
  bool keeps_steps = false;           ///< Also of one that did not fail.
  FaultRanges only_faults{};          ///< Where not empty: of the faults, those that happen.
};

struct Outcome {
  std::uint64_t seed = 0;
  std::uint64_t hash = 0;
  std::uint64_t connections = 0;
  std::uint64_t served = 0;  ///< In full.
  std::uint64_t faults = 0;
  std::uint64_t faults_drawn = 0;  ///< With those that the plan bars.
  std::uint64_t scripts_begun = 0;
  std::uint64_t scripts_dropped = 0;
  std::uint64_t events = 0;
  std::uint64_t turns = 0;
  std::chrono::nanoseconds virtual_time{};
  std::vector<std::uint64_t> cells;  ///< By number of `fault_cells()`: how often it happened.
  std::vector<PhaseCounts> cells_by_phase;

  unsigned violated = 0;  ///< The invariant; 0: none.
  std::string invariant;  ///< In words.
  std::string detail;
  std::chrono::nanoseconds violated_at{};
  std::vector<std::string> last_steps;
};

/// One run, on the calling thread. Deterministic: the same plan gives the same outcome.
Outcome simulate(const Plan& plan);

}  // namespace iocpp::simulator

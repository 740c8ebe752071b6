// Runs of the simulated server, many seeds on each platform, until all are done or one finds a violation.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "program/page.hpp"
#include "simulator/faults.hpp"
#include "simulator/shrink.hpp"

struct SimulateOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t last_seed = 100;
  std::vector<iocpp::simulator::Platform> platforms{
      iocpp::simulator::Platform::io_uring, iocpp::simulator::Platform::epoll, iocpp::simulator::Platform::iocp};
  std::uint32_t connections = 1000;
  iocpp::simulator::Level faults = iocpp::simulator::Level::light;
  iocpp::simulator::Scenario scenario = iocpp::simulator::Scenario::mixed;
  iocpp::simulator::FaultRanges only_faults{};  ///< Of a run that was made smaller.
  unsigned threads = 1;
  std::string mutant{};  ///< The one that is built in, where the command was asked for it.
  bool trace = false;
  bool json = false;
  std::string report{};   ///< The path of a page, if it is wanted.
  std::string command{};  ///< As it was typed.
};

/// How often each fault happened on one platform, by number of `fault_cells()`.
struct PlatformCells {
  iocpp::simulator::Platform platform;
  std::vector<std::uint64_t> counts;
  std::vector<iocpp::simulator::PhaseCounts> by_phase;
};

struct SimulateResult {
  std::uint64_t runs = 0;
  std::uint64_t connections = 0;
  std::uint64_t served = 0;
  std::uint64_t faults = 0;
  std::uint64_t events = 0;
  std::uint64_t turns = 0;
  std::uint64_t hash = 0;  ///< Of all runs' hashes, in whatever order they ended.
  std::chrono::nanoseconds virtual_time{};
  std::chrono::nanoseconds elapsed{};
  std::vector<PlatformCells> cells;
  std::optional<iocpp::simulator::Outcome> violation;  ///< The first one that was found.
  iocpp::simulator::Platform violated_on{};
  std::vector<std::string> trace;
};

/// Progress on the error output.
SimulateResult simulate(const SimulateOptions& options);

/// The command that does one run again.
std::string replay_command(const SimulateOptions& options, std::uint64_t seed, iocpp::simulator::Platform platform);
std::string replay_command(const SimulateOptions& options, const iocpp::simulator::Plan& plan);

/// The violation of `result` in a smaller run. It takes some seconds, and where the smaller run is ended by an
/// assertion, the process ends.
iocpp::simulator::Shrunk shrunk(const SimulateOptions& options, const SimulateResult& result);

std::string_view to_string(iocpp::simulator::Level level);

// Of a result, as it is read.
std::string hash_text(std::uint64_t hash);
/// Of the cell's system: `ECONNABORTED`; empty where it has no error.
std::string_view error_name(const iocpp::simulator::Cell& cell) noexcept;
std::string cell_text(const iocpp::simulator::Cell& cell);
std::uint64_t per_second(const SimulateResult& result);

/// A violation as it was found, not made smaller.
program::Page page_of(const SimulateOptions& options, const SimulateResult& result);

/// Prints, and returns the exit code.
int report(const SimulateOptions& options, const SimulateResult& result);

// What the runs of `iocpp simulate` came to, for a reader or as JSON.
#include <array>
#include <cstdio>
#include <iostream>

#include <nlohmann/json.hpp>

#include "program/figures.hpp"
#include "simulate.hpp"

namespace {

using iocpp::simulator::Cell;
using iocpp::simulator::fault_cells;
using iocpp::simulator::Outcome;
using iocpp::simulator::Phase;
using Json = nlohmann::ordered_json;

double seconds_of(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

Json violation_json(const SimulateOptions& options, const SimulateResult& result) {
  const Outcome& outcome = *result.violation;
  return {{"seed", outcome.seed},
          {"platform", to_string(result.violated_on)},
          {"invariant", outcome.violated},
          {"words", outcome.invariant},
          {"detail", outcome.detail},
          {"virtual_seconds", seconds_of(outcome.violated_at)},
          {"connections", outcome.connections},
          {"hash", hash_text(outcome.hash)},
          {"made_smaller", false},
          {"replay", replay_command(options, outcome.seed, result.violated_on)},
          {"last_steps", outcome.last_steps}};
}

Json phases_json(const iocpp::simulator::PhaseCounts& counts) {
  Json phases = Json::object();
  for (std::size_t phase = 0; phase < counts.size(); ++phase)
    phases[std::string{to_string(static_cast<iocpp::simulator::Phase>(phase))}] = counts[phase];
  return phases;
}

Json cells_json(const SimulateResult& result) {
  Json cells = Json::array();
  for (const PlatformCells& platform : result.cells) {
    for (std::size_t cell = 0; cell < platform.counts.size(); ++cell) {
      if (!reachable(platform.platform, cell)) continue;
      const Cell& of = fault_cells()[cell];
      cells.push_back({{"platform", to_string(platform.platform)},
                       {"site", to_string(of.site)},
                       {"error", of.error},
                       {"count", platform.counts[cell]},
                       {"phases", phases_json(platform.by_phase[cell])}});
    }
  }
  return cells;
}

void print_json(const SimulateOptions& options, const SimulateResult& result) {
  Json json{{"runs", result.runs},
            {"connections", result.connections},
            {"served", result.served},
            {"faults", result.faults},
            {"events", result.events},
            {"turns", result.turns},
            {"virtual_seconds", seconds_of(result.virtual_time)},
            {"seconds", seconds_of(result.elapsed)},
            {"connections_per_second", per_second(result)},
            {"hash", hash_text(result.hash)},
            {"passed", !result.violation.has_value()},
            {"cells", cells_json(result)}};
  if (result.violation) json["violation"] = violation_json(options, result);
  if (options.trace) json["trace"] = result.trace;
  std::cout << json.dump() << std::endl;
}

template <class Missing>
void print_missing(const PlatformCells& platform, const std::string& where, Missing&& is_missing) {
  std::string missing;
  for (std::size_t cell = 0; cell < platform.counts.size(); ++cell) {
    if (is_missing(cell)) missing += (missing.empty() ? "" : ", ") + cell_text(fault_cells()[cell]);
  }
  if (!missing.empty()) std::cout << "  " << where << ": " << missing << '\n';
}

void print_cells_not_hit(const SimulateResult& result) {
  std::cout << "Faults that no run had, by call and error number (more seeds have more):\n";
  for (const PlatformCells& platform : result.cells) {
    const std::string name{to_string(platform.platform)};
    print_missing(platform, name,
                  [&](std::size_t cell) { return platform.counts[cell] == 0 && reachable(platform.platform, cell); });
    // Of one phase: those that other phases have had.
    for (std::size_t phase = 0; phase < static_cast<std::size_t>(Phase::heal); ++phase) {
      const std::string which = name + " in phase '" + std::string{to_string(static_cast<Phase>(phase))} + "'";
      print_missing(platform, which, [&](std::size_t cell) {
        return platform.counts[cell] != 0 && platform.by_phase[cell][phase] == 0;
      });
    }
  }
  std::cout << std::flush;
}

void print_outcome(const Outcome& outcome, std::string_view platform, const std::string& replay) {
  std::cout << "  seed " << outcome.seed << " on " << platform << ", "
            << program::plural(outcome.connections, "connection") << ", " << program::plural(outcome.faults, "fault")
            << ", at " << program::duration_text(outcome.violated_at) << " of virtual time, hash "
            << hash_text(outcome.hash) << "\n  again: " << replay << "\n  the last steps:\n";
  for (const std::string& step : outcome.last_steps) std::cout << "    " << step << '\n';
  std::cout << std::flush;
}

/// First as it was found: the smaller runs may be ended by an assertion.
void print_violation(const SimulateOptions& options, const SimulateResult& result) {
  const Outcome& outcome = *result.violation;
  const std::string_view platform = to_string(result.violated_on);
  std::cout << "VIOLATION of invariant " << outcome.violated << ": " << outcome.invariant << "\n  " << outcome.detail
            << '\n';
  print_outcome(outcome, platform, replay_command(options, outcome.seed, result.violated_on));
  const iocpp::simulator::Shrunk smaller = shrunk(options, result);
  if (smaller.outcome.hash == outcome.hash) {
    std::cout << "none of " << program::plural(smaller.runs, "smaller run") << " violates it" << std::endl;
    return;
  }
  std::cout << "THE SAME, MADE SMALLER in " << program::plural(smaller.runs, "run") << ":\n  " << smaller.outcome.detail
            << '\n';
  print_outcome(smaller.outcome, platform, replay_command(options, smaller.plan));
}

void print_text(const SimulateOptions& options, const SimulateResult& result) {
  for (const std::string& step : result.trace) std::cout << step << '\n';
  std::cout << program::plural(result.runs, "run") << ", " << program::plural(result.connections, "connection") << ", "
            << program::plural(result.faults, "fault") << ", " << program::duration_text(result.virtual_time)
            << " of virtual time in " << program::duration_text(result.elapsed) << ": "
            << program::with_commas(per_second(result)) << " connections a second, hash " << hash_text(result.hash)
            << '\n';
  if (result.violation) return print_violation(options, result);
  std::cout << "no violation" << std::endl;
  if (options.faults != iocpp::simulator::Level::none) print_cells_not_hit(result);
}

}  // namespace

std::string hash_text(std::uint64_t hash) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash));
  return text.data();
}

std::string cell_text(const Cell& cell) {
  const std::string site{to_string(cell.site)};
  return cell.error == 0 ? site : site + " " + std::to_string(cell.error) + " (" + std::string{error_name(cell)} + ")";
}

std::uint64_t per_second(const SimulateResult& result) {
  const double seconds = seconds_of(result.elapsed);
  return seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(result.connections) / seconds) : 0;
}

int report(const SimulateOptions& options, const SimulateResult& result) {
  if (options.json) {
    print_json(options, result);
  } else {
    print_text(options, result);
  }
  return result.violation ? 1 : 0;
}

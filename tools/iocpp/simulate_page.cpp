// What the runs of `iocpp simulate` came to, as a page.
#include "program/report_file.hpp"
#include "simulate.hpp"

namespace {

using iocpp::simulator::fault_cells;
using iocpp::simulator::Outcome;
using iocpp::simulator::Phase;
using iocpp::simulator::PhaseCounts;
using program::Page;
using program::with_commas;

constexpr auto phases = static_cast<std::size_t>(Phase::heal);  // which has no faults

program::Row headings(const std::string& first) {
  program::Row row{first};
  for (std::size_t phase = 0; phase < phases; ++phase) row.emplace_back(to_string(static_cast<Phase>(phase)));
  row.emplace_back("all");
  return row;
}

void add_violation(Page& page, const SimulateOptions& options, const SimulateResult& result) {
  const Outcome& outcome = *result.violation;
  page.section("The violation");
  page.paragraph(outcome.detail);
  page.facts({{"invariant", std::to_string(outcome.violated) + ": " + outcome.invariant},
              {"seed", std::to_string(outcome.seed) + " on " + std::string{to_string(result.violated_on)}},
              {"connections until then", with_commas(outcome.connections)},
              {"faults until then", with_commas(outcome.faults)},
              {"virtual time", program::duration_text(outcome.violated_at)},
              {"hash", hash_text(outcome.hash)},
              {"again", replay_command(options, outcome.seed, result.violated_on)}});
  std::string steps;
  for (const std::string& step : outcome.last_steps) steps += step + "\n";
  page.paragraph("The last steps before it:");
  page.preformatted("The last steps", steps);
}

void add_platforms(Page& page, const SimulateResult& result) {
  std::vector<program::Bar> bars;
  for (const PlatformCells& platform : result.cells) {
    std::uint64_t faults = 0;
    for (const std::uint64_t count : platform.counts) faults += count;
    bars.push_back(
        {std::string{to_string(platform.platform)}, static_cast<double>(faults), with_commas(faults), false});
  }
  page.chart("Faults of each simulated system", {"system", "faults"}, bars);
}

/// A row for each kind of fault that the system can have, also where it was not hit.
void add_cells(Page& page, const PlatformCells& platform) {
  std::vector<program::Row> rows;
  for (std::size_t cell = 0; cell < platform.counts.size(); ++cell) {
    if (!reachable(platform.platform, cell)) continue;
    program::Row row{cell_text(fault_cells()[cell])};
    for (std::size_t phase = 0; phase < phases; ++phase) row.push_back(with_commas(platform.by_phase[cell][phase]));
    row.push_back(with_commas(platform.counts[cell]));
    rows.push_back(std::move(row));
  }
  page.section("Faults on " + std::string{to_string(platform.platform)});
  page.table("By kind and phase of the run", headings("fault"), rows);
}

program::Figures result_figures(const SimulateResult& result) {
  return {{"runs", with_commas(result.runs)},
          {"connections", with_commas(result.connections)},
          {"  of them served in full", with_commas(result.served)},
          {"connections a second", with_commas(per_second(result))},
          {"faults", with_commas(result.faults)},
          {"events", with_commas(result.events)},
          {"turns of the loop", with_commas(result.turns)},
          {"virtual time", program::duration_text(result.virtual_time)},
          {"time", program::duration_text(result.elapsed)},
          {"hash of all runs", hash_text(result.hash)}};
}

}  // namespace

program::Page page_of(const SimulateOptions& options, const SimulateResult& result) {
  Page page{"iocpp simulate"};
  page.verdict(result.violation ? "VIOLATION of invariant " + std::to_string(result.violation->violated) + ": " +
                                      result.violation->invariant
                                : "no violation in " + program::plural(result.runs, "run"),
               !result.violation);
  page.section("Result");
  page.figures("What the runs came to", result_figures(result));
  page.paragraph(
      "Connections that were not served in full: they reset, vanished, were refused, or a fault hit them, as the runs "
      "have it.");
  if (result.violation) add_violation(page, options, result);
  if (options.faults != iocpp::simulator::Level::none) {
    page.section("Faults");
    page.paragraph("A number behind a fault is the simulated system's own, of the error that it told.");
    add_platforms(page, result);
    for (const PlatformCells& platform : result.cells) add_cells(page, platform);
  }
  page.section("What ran");
  program::Figures facts = program::circumstances(options.command);
  facts.push_back({"seeds", std::to_string(options.first_seed) + " to " + std::to_string(options.last_seed)});
  facts.push_back({"faults", std::string{to_string(options.faults)}});
  facts.push_back({"scenario", std::string{to_string(options.scenario)}});
  page.facts(facts);
  return page;
}

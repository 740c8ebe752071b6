#include "simulate_command.hpp"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "arguments.hpp"
#include "report_option.hpp"
#include "simulate.hpp"

namespace {

using iocpp::simulator::Level;
using iocpp::simulator::Platform;

constexpr std::uint64_t seeds_most = 1'000'000'000'000'000;

struct Simulate {
  SimulateOptions options;
  bool lists = false;
  std::string built_in;
};

void add_seeds(CLI::App& app, SimulateOptions& options) {
  const auto range = [&options](const std::string& text) {
    const std::size_t dots = text.find("..");
    const auto first = program::parse_count(text.substr(0, dots));
    const auto last = dots == std::string::npos ? std::nullopt : program::parse_count(text.substr(dots + 2));
    if (!first || !last || *first > *last || *last > seeds_most)
      program::refuse("--seeds", text, "a range such as 1..1000");
    options.first_seed = *first;
    options.last_seed = *last;
  };
  CLI::Option* seeds =
      app.add_option_function<std::string>("--seeds", range, "A run for each seed of the range, on each platform")
          ->type_name("A..B")
          ->default_str("1..100");
  const auto one = [&options](const std::string& text) {
    const auto seed = program::parse_count(text);
    if (!seed || *seed > seeds_most)
      program::refuse("--seed", text, "a number from 0 to " + std::to_string(seeds_most));
    options.first_seed = options.last_seed = *seed;
  };
  app.add_option_function<std::string>("--seed", one, "One seed")->type_name("N")->excludes(seeds);
}

void add_platform(CLI::App& app, SimulateOptions& options) {
  const auto read = [&options](const std::string& text) {
    constexpr Platform all[]{Platform::io_uring, Platform::epoll, Platform::iocp};
    if (text == "all") return;
    const auto* found = std::ranges::find_if(all, [&](Platform platform) { return to_string(platform) == text; });
    if (found == std::end(all)) program::refuse("--platform", text, "io_uring, epoll, iocp or all");
    options.platforms = {*found};
  };
  app.add_option_function<std::string>("--platform", read, "The simulated system")
      ->type_name("io_uring|epoll|iocp|all")
      ->default_str("all");
}

void add_faults(CLI::App& app, SimulateOptions& options) {
  const auto read = [&options](const std::string& text) {
    constexpr Level all[]{Level::none, Level::light, Level::heavy};
    const auto* found = std::ranges::find_if(all, [&](Level level) { return to_string(level) == text; });
    if (found == std::end(all)) program::refuse("--faults", text, "heavy, light or none");
    options.faults = *found;
  };
  app.add_option_function<std::string>("--faults", read, "How often the system and the network fail")
      ->type_name("heavy|light|none")
      ->default_str("light");
}

void add_only_faults(CLI::App& app, SimulateOptions& options) {
  const auto read = [&options](const std::string& text) {
    const auto ranges = iocpp::simulator::fault_ranges_in(text);
    if (!ranges) program::refuse("--only-faults", text, "numbers and ranges such as 3,17-20");
    options.only_faults = *ranges;
  };
  app.add_option_function<std::string>("--only-faults", read,
                                       "Of the faults that chance would have, counted from 0, only these")
      ->type_name("A,B-C");
}

void add_scenario(CLI::App& app, SimulateOptions& options, bool& lists) {
  const auto read = [&](const std::string& text) {
    lists = text == "list";
    const auto scenario = iocpp::simulator::scenario_named(text);
    if (!scenario && !lists) program::refuse("--scenario", text, "one of those that --scenario list prints");
    options.scenario = scenario.value_or(options.scenario);
  };
  app.add_option_function<std::string>("--scenario", read, "One kind of trouble; `list` names them")
      ->type_name("NAME")
      ->default_str("mixed");
}

int list_scenarios() {
  for (const iocpp::simulator::ScenarioName& one : iocpp::simulator::scenarios())
    std::cout << std::left << std::setw(16) << one.name << one.words << '\n';
  return 0;
}

int run(const Simulate& chosen) {
  if (chosen.lists) return list_scenarios();
  if (!chosen.options.mutant.empty() && chosen.options.mutant != chosen.built_in)
    throw WrongArgument("--mutant: this program has no mutants; they are in build/mutants/iocpp");
  if (chosen.options.trace &&
      (chosen.options.first_seed != chosen.options.last_seed || chosen.options.platforms.size() != 1))
    throw WrongArgument("--trace prints one run: name it with --seed and --platform");
  program::ReportFile file = report_file(chosen.options.report);
  const SimulateResult result = simulate(chosen.options);
  if (file) file.write(page_of(chosen.options, result));  // first: making a violation smaller may end the process
  return report(chosen.options, result);
}

}  // namespace

void add_simulate_command(CLI::App& app, Command& chosen, const std::string& command_line, const std::string& mutant) {
  CLI::App& command = *app.add_subcommand(
      "simulate",
      "The whole server over a simulated kernel and network, with faults, in virtual time: each run is a function of "
      "its "
      "seed. Exit code 1: an invariant was violated, and the command that shows it again is printed");
  auto simulate = std::make_shared<Simulate>();
  SimulateOptions& options = simulate->options;
  simulate->built_in = mutant;
  options.command = command_line;
  options.threads = std::max(1U, std::thread::hardware_concurrency());
  add_seeds(command, options);
  add_platform(command, options);
  program::add_count(command, "--connections", options.connections, 1, 100'000'000, "Connections of each run");
  add_faults(command, options);
  add_scenario(command, options, simulate->lists);
  add_only_faults(command, options);
  program::add_count(command, "--threads", options.threads, 1, 256, "Runs at once");
  command.add_option("--mutant", options.mutant, "A bug built in on purpose: only in build/mutants/iocpp")
      ->type_name("NAME");
  command.add_flag("--trace", options.trace, "Print every step of the one run");
  command.add_flag(
      "--json", options.json,
      "Print the result as one JSON object on stdout, and nothing else there; a violation as it was found, not made "
      "smaller");
  add_report(command, options.report);
  command.callback([simulate, &chosen] { chosen = [simulate] { return run(*simulate); }; });
}

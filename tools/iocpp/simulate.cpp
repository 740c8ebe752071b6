#include "simulate.hpp"

#include <algorithm>
#include <atomic>
#include <iostream>
#include <mutex>
#include <thread>

#include "program/figures.hpp"
#include "program/system.hpp"
#include "simulator/last_words.hpp"
#include "stress/progress.hpp"

namespace {

using iocpp::simulator::Outcome;
using iocpp::simulator::Plan;
using iocpp::simulator::Platform;

constexpr std::size_t steps_of_a_failure = 60;
constexpr std::size_t steps_of_a_trace = 1U << 22;

using iocpp::simulator::LastWords;

Plan plan_of(const SimulateOptions& options, std::uint64_t seed, Platform platform) {
  return {.seed = seed,
          .platform = platform,
          .connections = options.connections,
          .faults = options.faults,
          .scenario = options.scenario,
          .last_steps = options.trace ? steps_of_a_trace : steps_of_a_failure,
          .keeps_steps = options.trace,
          .only_faults = options.only_faults};
}

class Runs {
 public:
  explicit Runs(const SimulateOptions& options)
      : options_{options}, count_{(options.last_seed - options.first_seed + 1) * options.platforms.size()} {
    for (const Platform platform : options.platforms)
      result_.cells.push_back({platform, std::vector<std::uint64_t>(iocpp::simulator::fault_cells().size(), 0),
                               std::vector<iocpp::simulator::PhaseCounts>(iocpp::simulator::fault_cells().size())});
  }

  SimulateResult go() {
    const stress::TimePoint begin = stress::Clock::now();
    std::vector<std::thread> threads;
    for (unsigned thread = 0; thread < options_.threads; ++thread) threads.emplace_back([this] { work(); });
    show_progress(begin);
    for (std::thread& thread : threads) thread.join();
    result_.elapsed = stress::Clock::now() - begin;
    return std::move(result_);
  }

 private:
  void work() {
    for (;;) {
      const std::uint64_t next = taken_.fetch_add(1);
      if (next >= count_ || failed_.load()) break;
      run(options_.first_seed + next / options_.platforms.size(), next % options_.platforms.size());
    }
    working_.fetch_sub(1);
  }

  void run(std::uint64_t seed, std::size_t at) {
    const Platform platform = options_.platforms[at];
    const Outcome outcome = [&] {
      const LastWords last_words{replay_command(options_, seed, platform), LastWords::Then::exit_1};
      return iocpp::simulator::simulate(plan_of(options_, seed, platform));
    }();
    const std::lock_guard lock{mutex_};
    add(outcome, at);
  }

  void add(const Outcome& outcome, std::size_t at) {
    ++result_.runs;
    result_.connections += outcome.connections;
    result_.served += outcome.served;
    result_.faults += outcome.faults;
    result_.events += outcome.events;
    result_.turns += outcome.turns;
    result_.hash += outcome.hash;
    result_.virtual_time += outcome.virtual_time;
    for (std::size_t cell = 0; cell < outcome.cells.size(); ++cell) {
      result_.cells[at].counts[cell] += outcome.cells[cell];
      for (std::size_t phase = 0; phase < outcome.cells_by_phase[cell].size(); ++phase)
        result_.cells[at].by_phase[cell][phase] += outcome.cells_by_phase[cell][phase];
    }
    if (options_.trace) result_.trace = outcome.last_steps;
    if (outcome.violated == 0 || result_.violation) return;
    result_.violation = outcome;
    result_.violated_on = options_.platforms[at];
    failed_.store(true);
  }

  void show_progress(stress::TimePoint begin) {
    stress::ProgressDisplay display{std::cerr, program::stderr_is_terminal()};
    display.start(begin);
    while (working_.load() != 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
      const std::lock_guard lock{mutex_};
      display.show({.unit = "connections",
                    .done = result_.connections,
                    .share = static_cast<double>(result_.runs) / static_cast<double>(count_),
                    .faults = result_.faults,
                    .fault = "fault",
                    .note = program::plural(result_.runs, "run") + coverage()},
                   stress::Clock::now());
    }
    display.finish();
  }

  std::string coverage() const {
    if (options_.faults == iocpp::simulator::Level::none) return {};
    std::uint64_t missing = 0;
    for (const PlatformCells& platform : result_.cells) {
      for (std::size_t cell = 0; cell < platform.counts.size(); ++cell)
        missing += platform.counts[cell] == 0 && reachable(platform.platform, cell) ? 1U : 0U;
    }
    return ", " + program::plural(missing, "kind") + " of fault not hit";
  }

  const SimulateOptions& options_;
  std::uint64_t count_;
  std::atomic<std::uint64_t> taken_{0};
  std::atomic<unsigned> working_{options_.threads};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;  // of result_
  SimulateResult result_;
};

}  // namespace

std::string_view to_string(iocpp::simulator::Level level) {
  switch (level) {
    case iocpp::simulator::Level::none:
      return "none";
    case iocpp::simulator::Level::light:
      return "light";
    case iocpp::simulator::Level::heavy:
      return "heavy";
  }
  return "";
}

std::string replay_command(const SimulateOptions& options, const Plan& plan) {
  const std::string program =
      options.mutant.empty() ? "iocpp simulate" : "build/mutants/iocpp simulate --mutant " + options.mutant;
  const std::string only =
      plan.only_faults.empty() ? "" : " --only-faults " + iocpp::simulator::to_text(plan.only_faults);
  const std::string scenario =
      plan.scenario == iocpp::simulator::Scenario::mixed ? "" : " --scenario " + std::string{to_string(plan.scenario)};
  return program + " --seed " + std::to_string(plan.seed) + " --platform " + std::string{to_string(plan.platform)} +
         " --connections " + std::to_string(plan.connections) + " --faults " + std::string{to_string(plan.faults)} +
         scenario + only;
}

std::string replay_command(const SimulateOptions& options, std::uint64_t seed, Platform platform) {
  return replay_command(options, plan_of(options, seed, platform));
}

iocpp::simulator::Shrunk shrunk(const SimulateOptions& options, const SimulateResult& result) {
  const LastWords last_words{"one with fewer connections or faults than the run that failed", LastWords::Then::exit_1};
  const Outcome& outcome = *result.violation;
  return iocpp::simulator::shrink(plan_of(options, outcome.seed, result.violated_on), outcome);
}

SimulateResult simulate(const SimulateOptions& options) {
  return Runs{options}.go();
}

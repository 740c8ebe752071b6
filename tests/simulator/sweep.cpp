// A sweep: each fault at each of a site's first calls, once, and from there on at every call for three seconds, after
// which the server must be as it was. Prints the sum; exits 1 at a violation, and where a fault did not happen.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "simulator/simulation.hpp"

namespace {

using namespace iocpp::simulator;

constexpr std::uint64_t places = 16;
constexpr Platform platforms[]{Platform::io_uring, Platform::epoll, Platform::iocp};

/// A loop whose waits or submissions fail asks again at each turn: millions of faults a run, each like the others.
bool too_long(const Cell& cell, std::uint64_t first, std::uint64_t count) {
  return (cell.site == Site::submit || cell.site == Site::wait) && count != 1 && first >= 1;
}

std::vector<Plan> plans() {
  std::vector<Plan> all;
  for (const Platform platform : platforms) {
    for (std::size_t cell = 0; cell < fault_cells().size(); ++cell) {
      if (!reachable(platform, cell)) continue;
      for (std::uint64_t first = 0; first < places; ++first) {
        for (const std::uint64_t count : {std::uint64_t{1}, ForcedFault::for_ever}) {
          if (too_long(fault_cells()[cell], first, count)) continue;
          Plan plan{.seed = 1 + first, .platform = platform, .connections = 50, .faults = Level::none};
          plan.forced = {{.cell = cell, .first = first, .count = count}};
          all.push_back(plan);
        }
      }
    }
  }
  return all;
}

/// What leads to questions of that site where nothing else goes wrong.
Scenario scenario_for(Site site) {
  if (site == Site::entry_lost) return Scenario::shortage;  // a ring of two entries
  return site == Site::reopen ? Scenario::listener_lost : Scenario::interruptions;
}

/// The run in which the fault happens: first as it is, then with what leads to it, and other seeds.
Outcome reach(Plan& plan) {
  constexpr unsigned tries = 48;
  const ForcedFault& forced = plan.forced.front();
  Outcome outcome = simulate(plan);
  for (unsigned tried = 1; tried < tries && outcome.violated == 0 && outcome.cells[forced.cell] == 0; ++tried) {
    plan.seed += places;
    plan.scenario = scenario_for(fault_cells()[forced.cell].site);
    plan.connections = 800;
    outcome = simulate(plan);
  }
  return outcome;
}

std::string name_of(const Plan& plan) {
  const ForcedFault& forced = plan.forced.front();
  const Cell& cell = fault_cells()[forced.cell];
  return std::string{to_string(plan.platform)} + ", " + std::string{to_string(cell.site)} + ' ' +
         std::to_string(cell.error) + " at question " + std::to_string(forced.first) +
         (forced.count == 1 ? " once" : " for ever") + ", seed " + std::to_string(plan.seed) +
         (plan.scenario == Scenario::mixed ? "" : ", ") +
         (plan.scenario == Scenario::mixed ? "" : std::string{to_string(plan.scenario)});
}

}  // namespace

int main() {
  const std::vector<Plan> all = plans();
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> faults{0};
  std::atomic<std::size_t> failures{0};
  std::mutex printing;
  const auto work = [&] {
    for (std::size_t at = next++; at < all.size(); at = next++) {
      Plan plan = all[at];
      const Outcome outcome = reach(plan);
      const bool happened = outcome.cells[plan.forced.front().cell] != 0;
      faults += outcome.faults;
      if (outcome.violated == 0 && happened) continue;
      ++failures;
      const std::lock_guard lock{printing};
      std::printf("%s: invariant %u: %s\n", name_of(plan).c_str(), outcome.violated,
                  outcome.violated == 0 ? "the fault did not happen" : outcome.detail.c_str());
    }
  };
  std::vector<std::thread> threads;
  for (unsigned count = 0; count < std::max(1U, std::thread::hardware_concurrency()); ++count)
    threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  std::printf("%zu runs, %llu faults, %zu failures\n", all.size(), static_cast<unsigned long long>(faults.load()),
              failures.load());
  return failures == 0 ? 0 : 1;
}

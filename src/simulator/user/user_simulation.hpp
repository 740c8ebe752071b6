// What is behind iocpp::Simulation.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "iocpp/simulator.hpp"
#include "simulator/run.hpp"

namespace iocpp {

class Simulation::Running {
 public:
  explicit Running(SimulationOptions options) : options_{std::move(options)}, chance_{options_.seed ^ script_stream} {}

  void serve(Handler* handler, HandlerFactory factory);
  /// The server; throws `std::logic_error` before `serve`.
  simulator::Run& server() const;
  /// ... after `run`, too.
  simulator::Run& going() const;

  SimulatedPeer& connect(Simulation& simulation, std::chrono::nanoseconds delay);
  void run_for(std::chrono::nanoseconds time);
  const SimulationResult& run();
  void check(std::string what, std::function<bool()> holds) { checks_.push_back({std::move(what), std::move(holds)}); }
  void fail(std::string_view why);
  bool failed() const noexcept { return !failure_.empty() || (run_ && run_->violated()); }
  std::error_code put(unsigned shard, std::unique_ptr<engine::Message> message) const;
  std::function<void()> guarded(std::function<void()> task);
  bool ended() const noexcept { return ended_; }
  /// One run of many: whether anything was tested is seen by all of them together.
  void be_of_many() noexcept { of_many_ = true; }
  std::uint64_t random(std::uint64_t bound);
  const SimulationOptions& options() const noexcept { return options_; }

 private:
  struct Check {
    std::string what;
    std::function<bool()> holds;
  };
  static constexpr std::uint64_t script_stream = 0x736372697074;

  simulator::Plan plan() const;
  simulator::Draft draft_of(const simulator::Plan& plan) const;
  void do_checks();
  void conclude();
  std::string received_before(std::string_view violation) const;

  SimulationOptions options_;
  Prng chance_;
  std::unique_ptr<simulator::Run> run_;
  std::deque<SimulatedPeer> peers_;
  std::vector<Check> checks_;
  std::string failure_;  // before there was a run
  SimulationResult result_;
  bool going_ = false;  // a call lets time pass, and may not be made inside itself
  bool ended_ = false;
  bool of_many_ = false;
};

namespace simulator {

inline constexpr std::string_view nothing_tested =
    "nothing was tested: faults broke the connection of every scripted peer, and all scripts were dropped; more peers, "
    "seeds or fewer faults would help";

/// What a run of `for_each_seed` is told that nobody else may say.
class SeedRun {
 public:
  explicit SeedRun(Simulation& simulation) { simulation.running_->be_of_many(); }
};

/// The seed draws the system, where it is left open.
SimulationOptions with_system(SimulationOptions options);
/// A test's name, as one word that needs no quotation marks; empty stays empty.
std::string word_of(std::string_view name);
/// The test that `text` names, as a word; empty: it names none.
std::string name_in(const std::string& text);
/// What names a run to `for_each_seed`: "seed=7 system=epoll faults=light", and what is not as usual.
std::string replay_of(const SimulationOptions& options);
/// `options`, changed as `text` has it. Throws `std::invalid_argument`.
SimulationOptions replayed(SimulationOptions options, const std::string& text);

}  // namespace simulator
}  // namespace iocpp

// A user's test over many seeds; what fails is repeated, made smaller, and told.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "simulator/last_words.hpp"
#include "simulator/shrink.hpp"
#include "simulator/user/user_simulation.hpp"

namespace iocpp {
namespace {

using simulator::FaultRanges;

constexpr unsigned shrink_runs_max = 400;

SimulationResult run_once(const SimulationOptions& options, const std::function<void(Simulation&)>& test) {
  const simulator::LastWords last_words{"seed " + std::to_string(options.seed) + ", again: IOCPP_SIMULATE='" +
                                        simulator::replay_of(simulator::with_system(options)) +
                                        "' in the environment of for_each_seed"};
  Simulation simulation{options};
  const simulator::SeedRun of_many{simulation};
  try {
    test(simulation);
  } catch (const std::exception& exception) {
    simulation.fail("the test threw: " + std::string{exception.what()});
  } catch (...) {
    simulation.fail("the test threw something that is no std::exception");
  }
  return simulation.run();
}

/// A peer waited in vain: for what another one should have caused, perhaps.
bool is_of_silence(std::string_view words) noexcept {
  return words.starts_with("peer ") && words.ends_with("nothing more came");
}

/// What it is about. Of a peer: which one, at which step; only what it received may differ.
std::string_view kind_of(std::string_view words) noexcept {
  if (words.starts_with("this does not hold: ")) return words;
  constexpr std::string_view ends[]{": it received ", ": the check threw: "};
  for (const std::string_view end : ends) {
    if (const std::size_t at = words.find(end); at != std::string_view::npos) return words.substr(0, at);
  }
  return words.starts_with("peer ") ? words.substr(0, words.rfind(": ")) : words.substr(0, words.find(": "));
}

bool same_kind(std::string_view one, std::string_view other) noexcept {
  return is_of_silence(one) == is_of_silence(other) && kind_of(one) == kind_of(other);
}

class Shrinking {
 public:
  Shrinking(const SimulationResult& failed, const std::function<void(Simulation&)>& test)
      : smallest_{failed}, test_{test} {}

  /// The smallest that was found; none where the failure is as small as it was.
  std::optional<SimulationResult> go() {
    SimulationOptions faultless = smallest_.options;
    faultless.faults = FaultRate::none;
    faultless.only_faults = {};
    if (smallest_.faults_drawn != 0) fails(faultless);
    for (int round = 0; round < 2; ++round) {
      simulator::smaller_failing(0, smallest_.options.random_peers, [this](std::uint64_t count) {
        SimulationOptions options = smallest_.options;
        options.random_peers = static_cast<std::uint32_t>(count);
        return fails(options);
      });
      drop_peers();
      simulator::fewer_faults(smallest_.options.only_faults, smallest_.faults_drawn, [this](const FaultRanges& only) {
        SimulationOptions options = smallest_.options;
        options.only_faults = only;
        return fails(options);
      });
    }
    return found_ ? std::optional{std::move(smallest_)} : std::nullopt;
  }

 private:
  /// Many of them at once, then fewer, down to each alone.
  void drop_peers() {
    // One that is absent may be the one that was waited for.
    if (is_of_silence(smallest_.violation)) return;
    const std::uint64_t peers = smallest_.scripted_peers;
    for (std::uint64_t part = (peers + 1) / 2; part != 0; part = part == 1 ? 0 : (part + 1) / 2) {
      for (std::uint64_t first = 0; first < peers; first += part) drop(first, std::min(first + part, peers));
    }
  }

  void drop(std::uint64_t first, std::uint64_t end) {
    SimulationOptions options = smallest_.options;
    std::vector<std::uint32_t>& absent = options.absent_peers;
    const std::size_t before = absent.size();
    for (std::uint64_t number = first; number < end; ++number) {
      const auto peer = static_cast<std::uint32_t>(number);
      if (std::ranges::find(absent, peer) == absent.end()) absent.push_back(peer);
    }
    if (absent.size() == before) return;
    std::ranges::sort(absent);
    fails(options);
  }

  bool fails(const SimulationOptions& options) {
    if (events_ >= simulator::shrink_events_max || runs_ >= shrink_runs_max) return false;
    ++runs_;
    SimulationResult result = run_once(options, test_);
    events_ += result.events;
    if (result.passed() || !same_kind(result.violation, smallest_.violation)) return false;
    smallest_ = std::move(result);
    found_ = true;
    return true;
  }

  SimulationResult smallest_;
  const std::function<void(Simulation&)>& test_;
  std::uint64_t events_ = 0;
  unsigned runs_ = 0;
  bool found_ = false;
};

void examine(SeedsResult& result, const std::function<void(Simulation&)>& test) {
  const SimulationResult again = run_once(result.failure->options, test);
  result.repeats = again.hash == result.failure->hash && again.violation == result.failure->violation;
  if (result.repeats) result.shrunk = Shrinking{*result.failure, test}.go();
  std::fputs((result.text() + '\n').c_str(), stderr);
}

/// No seed is to blame: the last one stands for all.
void fail_untested(SeedsResult& result, SimulationResult&& last_run) {
  last_run.violation = simulator::nothing_tested;
  result.failure = std::move(last_run);
  std::fputs((result.text() + '\n').c_str(), stderr);
}

/// IOCPP_SIMULATE is for the test of another name; who expects a run must see that there is none.
SeedsResult left_out(const SimulationOptions& options, const char* replay) {
  std::fprintf(stderr, "%s: not run, since IOCPP_SIMULATE is '%s'\n",
               options.name.empty() ? "a test without a name" : options.name.c_str(), replay);
  SeedsResult result;
  result.left_out = true;
  return result;
}

/// What can't be run has failed: nobody is to take it for a run that has passed.
SeedsResult not_understood(const SimulationOptions& options, const std::exception& why) {
  SeedsResult result;
  result.failure.emplace();
  result.failure->options = options;
  result.failure->violation = why.what();
  std::fputs((result.text() + '\n').c_str(), stderr);
  return result;
}

std::string hash_text(std::uint64_t hash) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

std::string size_text(const SimulationResult& result) {
  return std::to_string(result.connections) + " connections, " + std::to_string(result.faults) + " faults, " +
         std::to_string(result.virtual_time / std::chrono::milliseconds{1}) + " ms of virtual time, hash " +
         hash_text(result.hash);
}

}  // namespace

std::string SimulationResult::text() const {
  if (passed()) return "seed " + std::to_string(options.seed) + " passed: " + size_text(*this);
  std::string text = "FAILED, " + (options.name.empty() ? "" : options.name + ", ");
  if (replay.empty()) return text + violation;
  text += "seed " + std::to_string(options.seed) + ": " + violation;
  if (!received_before.empty()) text += "\n  before that it had received " + received_before;
  text += "\n  " + size_text(*this) + "\n  again: IOCPP_SIMULATE='" + replay + "' in the environment of for_each_seed";
  if (!last_steps.empty()) text += "\n  the last steps:";
  for (const std::string& step : last_steps) text += "\n    " + step;
  return text;
}

std::string SeedsResult::text() const {
  if (left_out) return "not run: IOCPP_SIMULATE names another test";
  if (!failure) {
    return std::to_string(runs) + " runs passed: " + std::to_string(connections) + " connections, " +
           std::to_string(faults) + " faults" +
           (scripts_dropped == 0 ? ""
                                 : ", " + std::to_string(scripts_dropped) + " of " + std::to_string(scripts_begun) +
                                       " scripts dropped after a fault");
  }
  std::string text =
      (shrunk ? "a smaller run that fails as the first did; " : "") + (shrunk ? *shrunk : *failure).text();
  if (shrunk) text += "\n  the first one: " + failure->violation + "\n  IOCPP_SIMULATE='" + failure->replay + "'";
  if (!repeats) {
    text +=
        "\n  done again, this run was another one: the test uses a clock, threads, addresses or something else that "
        "differs from run to run";
  }
  return text;
}

SeedsResult for_each_seed(std::uint64_t first, std::uint64_t last, const std::function<void(Simulation&)>& test,
                          const SimulationOptions& options) {
  SeedsResult result;
  SimulationResult last_run;
  SimulationOptions one = options;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the one thread that a test has here
  const char* replay = std::getenv("IOCPP_SIMULATE");
  if (replay != nullptr) {
    const std::string name = simulator::name_in(replay);
    if (!name.empty() && name != simulator::word_of(options.name)) return left_out(options, replay);
    try {
      one = simulator::replayed(one, replay);
    } catch (const std::invalid_argument& why) {
      return not_understood(options, why);
    }
    first = last = one.seed;
  }
  if (first > last)
    throw std::invalid_argument("for_each_seed: the first seed is above the last, so nothing is tested");
  for (std::uint64_t seed = first; seed <= last && !result.failure; ++seed) {
    one.seed = seed;
    SimulationResult run = run_once(one, test);
    ++result.runs;
    result.connections += run.connections;
    result.faults += run.faults;
    result.scripts_begun += run.scripts_begun;
    result.scripts_dropped += run.scripts_dropped;
    if (run.passed()) {
      last_run = std::move(run);
    } else {
      result.failure = std::move(run);
    }
  }
  if (result.failure) {
    examine(result, test);
  } else if (result.scripts_begun != 0 && result.scripts_dropped == result.scripts_begun) {
    fail_untested(result, std::move(last_run));
  }
  return result;
}

}  // namespace iocpp

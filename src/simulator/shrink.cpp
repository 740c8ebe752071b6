#include "simulator/shrink.hpp"

#include <algorithm>
#include <utility>

#include "simulator/run.hpp"

namespace iocpp::simulator {
namespace {

class Shrinking {
 public:
  Shrinking(const Plan& plan, const Outcome& failed, MakeShard make_shard, std::uint64_t events_max)
      : found_{plan, failed}, make_shard_{make_shard}, events_max_{events_max} {}

  Shrunk go() {
    Plan faultless = found_.plan;
    faultless.faults = Level::none;
    faultless.only_faults = {};
    fails(faultless);
    // With fewer faults it may need fewer connections still.
    for (int round = 0; round < 2; ++round) {
      smaller_failing(1, found_.plan.connections, [this](std::uint64_t connections) {
        Plan plan = found_.plan;
        plan.connections = static_cast<std::uint32_t>(connections);
        return fails(plan);
      });
      fewer_faults(found_.plan.only_faults, found_.outcome.faults_drawn, [this](const FaultRanges& only) {
        Plan plan = found_.plan;
        plan.only_faults = only;
        return fails(plan);
      });
    }
    return std::move(found_);
  }

 private:
  bool fails(const Plan& plan) {
    if (events_ >= events_max_) return false;
    ++found_.runs;
    Outcome outcome = simulate(plan, make_shard_);
    events_ += outcome.events;
    if (outcome.violated != found_.outcome.violated) return false;
    found_.plan = plan;
    found_.outcome = std::move(outcome);
    return true;
  }

  Shrunk found_;
  MakeShard make_shard_;
  std::uint64_t events_max_;
  std::uint64_t events_ = 0;
};

}  // namespace

std::uint64_t smaller_failing(std::uint64_t least, std::uint64_t failing,
                              const std::function<bool(std::uint64_t)>& fails) {
  if (failing <= least || fails(least)) return std::min(failing, least);
  std::uint64_t passing = least;
  for (std::uint64_t step = 1; step < failing - least; step *= 2) {
    if (fails(least + step)) {
      failing = least + step;
    } else {
      passing = least + step;
    }
  }
  while (failing - passing > 1) {
    const std::uint64_t middle = passing + (failing - passing) / 2;
    (fails(middle) ? failing : passing) = middle;
  }
  return failing;
}

Shrunk shrink(const Plan& plan, const Outcome& failed, MakeShard make_shard, std::uint64_t events_max) {
  return Shrinking{plan, failed, make_shard, events_max}.go();
}

Shrunk shrink(const Plan& plan, const Outcome& failed) {
  return shrink(plan, failed, shipped_shard(plan.platform));
}

}  // namespace iocpp::simulator

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
    // With fewer faults it may need fewer connections still.
    for (int round = 0; round < 2; ++round) {
      smaller_failing(1, found_.plan.connections, [this](std::uint64_t connections) {
        Plan plan = found_.plan;
        plan.connections = static_cast<std::uint32_t>(connections);
        return fails(plan);
      });
      smaller_window(found_.plan.window, found_.outcome.faults_drawn, [this](FaultWindow window) {
        Plan plan = found_.plan;
        plan.window = window;
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
  while (failing - passing > 1) {
    const std::uint64_t middle = passing + (failing - passing) / 2;
    (fails(middle) ? failing : passing) = middle;
  }
  return failing;
}

FaultWindow smaller_window(FaultWindow failing, std::uint64_t drawn, const std::function<bool(FaultWindow)>& fails) {
  FaultWindow window{failing.first, std::min(failing.end, drawn)};
  if (window.first >= window.end) return failing;
  window.end = smaller_failing(window.first, window.end,
                               [&](std::uint64_t end) { return fails({.first = window.first, .end = end}); });
  const std::uint64_t count = smaller_failing(0, window.end - window.first, [&](std::uint64_t most) {
    return fails({.first = window.end - most, .end = window.end});
  });
  window.first = window.end - count;
  return window;
}

Shrunk shrink(const Plan& plan, const Outcome& failed, MakeShard make_shard, std::uint64_t events_max) {
  return Shrinking{plan, failed, make_shard, events_max}.go();
}

Shrunk shrink(const Plan& plan, const Outcome& failed) {
  return shrink(plan, failed, shipped_shard(plan.platform));
}

}  // namespace iocpp::simulator

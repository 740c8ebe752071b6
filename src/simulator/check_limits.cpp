// What must hold of the limits after each turn: they count what there is, let in no more, and freeze nobody.
#include <algorithm>

#include "simulator/run.hpp"

namespace iocpp::simulator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A timer is late by the wheel's step, and a system whose waits are in milliseconds rounds up.
constexpr milliseconds timer_step{4};
/// The clock's first time.
constexpr TimePoint began{std::chrono::hours{1}};

}  // namespace

/// Between turns the gate has admitted exactly those who have a slot, or are on their way to one.
void Run::check_limits() {
  const core::Gate& gate = group_.gate;
  std::uint64_t connections = 0;
  for (const engine::Loop* loop : group_.loops) connections += loop->load();
  if (gate.connections() != connections)
    machine_.violate(17, "the limit does not count the connections that there are");
  const std::uint64_t late = gate.pauses() ? group_.acceptors.size() * draft_.accepts_in_flight : 0;
  if (connections > draft_.limits.connections_max + late)
    machine_.violate(17, "there are more connections than the limit lets in");
  check_rate();
  if (!gate.pauses()) return;
  for (Member& member : members_) {
    const auto deadline = member.shard->loop().core().next_deadline();
    const bool wakes = !member.asleep || member.woken || (deadline && *deadline <= machine_.now() + timer_step);
    const bool frozen = member.shard->is_paused() && !wakes && gate.room(machine_.now()).accepts != 0;
    if (!frozen) {
      member.frozen_since = TimePoint::max();
      continue;
    }
    member.frozen_since = std::min(member.frozen_since, machine_.now());
    const std::chrono::nanoseconds most = plan_.platform == Platform::iocp ? wake_bound : seconds{0};
    if (machine_.now() - member.frozen_since >= most)
      machine_.violate(3, "there is room, and a loop that a limit has paused sleeps on");
  }
}

/// From the beginning on: a burst, and so many a second. A drain is not held up by a rate.
void Run::check_rate() {
  const Limits& limits = draft_.limits;
  const bool drains = group_.drain_deadline.load() != engine::Group::not_draining;
  if (limits.accepts_per_second == 0 || (drains && group_.gate.pauses())) return;
  std::uint64_t accepted = 0;
  for (const Member& member : members_) accepted += member.shard->counters().accepted.get();
  const std::uint64_t burst = limits.accepts_burst + group_.acceptors.size() * draft_.accepts_in_flight + 1;
  const auto milliseconds_gone = static_cast<std::uint64_t>((machine_.now() - began) / milliseconds{1}) + 1;
  if (accepted > burst + milliseconds_gone * limits.accepts_per_second / 1000)
    machine_.violate(17, "more clients were accepted than the rate lets in");
}

}  // namespace iocpp::simulator

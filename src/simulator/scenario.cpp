#include "simulator/scenario.hpp"

#include <algorithm>

#include "base/native_codes.hpp"
#include "simulator/run.hpp"

namespace iocpp::simulator {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ScenarioName names[]{
    {Scenario::mixed, "mixed", "what the seed draws: a little of everything"},
    {Scenario::calm, "calm",
     "roomy queues, quick callbacks, clients and handlers without whims; nothing but the faults"},
    {Scenario::storm, "storm", "hundreds of clients at once, most of whom reset as soon as they are connected"},
    {Scenario::slow_readers, "slow-readers", "most clients read little and rarely: queues fill, receiving pauses"},
    {Scenario::shortage, "shortage", "handles run out again and again; queues of the system have one or two entries"},
    {Scenario::drain, "drain", "a drain is asked for amid traffic, with a deadline that cuts some"},
    {Scenario::listener_lost, "listener-lost", "every other dozen of accepts the listener is gone, and made anew"},
    {Scenario::interruptions, "interruptions", "handlers pause and close, others abort and close, all the time"},
};

void be_calm(Draft& draft) {
  draft.habits = Habits{};
  draft.handler.slow_max = {};
  draft.handler.whim_of = 0;
  draft.handler.by_mailbox = false;
  draft.limits = Draft{}.limits;
  draft.mailbox_bytes_max = Draft{}.mailbox_bytes_max;
  draft.core = core::CoreConfig{};
  draft.peers.mostly = Behaviour::echo;
  draft.drain_after = UINT64_MAX;
}

void be_stormy(Draft& draft) {
  draft.peers.mostly = Behaviour::reset_first;
  draft.peers.at_once = 512;
  draft.peers.pause_max = microseconds{8};
  draft.habits.network.backlog = 64;
}

void read_slowly(Draft& draft) {
  draft.peers.mostly = Behaviour::slow;
  draft.peers.bytes_max = 16U << 10;
  draft.habits.network.send_buffer = 2048;
  draft.core.send_queue_bytes_high = 4096;
  draft.core.send_queue_bytes_low = 1024;
}

/// The site's cells, at each `every`th of its questions.
void force(Draft& draft, System system, Site site, int error, std::uint64_t every) {
  const std::span<const Cell> cells = fault_cells();
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    if (cells[cell].site == site && cells[cell].error == error && reachable(system, cells[cell]))
      draft.forced.push_back({.cell = cell, .first = every / 2, .count = UINT64_MAX / every, .every = every});
  }
}

void be_short(Draft& draft, System system) {
  draft.habits.submission_entries_max = 1;
  draft.habits.completion_entries_max = 2;
  draft.receive_ring_bytes = 16U << 10;
  draft.limits = Draft{}.limits;
  draft.handles_pause_max = milliseconds{20};
  force(draft, system, Site::handle_limit, 0, 2);
}

void lose_listeners(Draft& draft, System system) {
  const bool windows = system == System::iocp;
  force(draft, system, windows ? Site::accept_post : Site::accept,
        windows ? windows_error::wsaenotsock : linux_errno::badf, 23);
}

void interrupt(Draft& draft) {
  draft.handler.whim_of = 24;
  draft.calls_pause_max = milliseconds{1};
  // Bytes arrive while what asked for them is being cancelled.
  draft.habits.step_max = microseconds{500};
  draft.habits.inline_of_8 = 1;
  draft.peers.bytes_max = 8192;
  draft.core.send_queue_bytes_high = 1024;
  draft.core.send_queue_bytes_low = 256;
}

}  // namespace

std::span<const ScenarioName> scenarios() noexcept {
  return names;
}

std::string_view to_string(Scenario scenario) noexcept {
  return names[static_cast<std::size_t>(scenario)].name;
}

std::optional<Scenario> scenario_named(std::string_view name) noexcept {
  const auto* found = std::ranges::find(names, name, &ScenarioName::name);
  return found == std::end(names) ? std::nullopt : std::optional{found->scenario};
}

void apply(Scenario scenario, System system, Draft& draft) {
  switch (scenario) {
    case Scenario::mixed:
      return;
    case Scenario::calm:
      return be_calm(draft);
    case Scenario::storm:
      return be_stormy(draft);
    case Scenario::slow_readers:
      return read_slowly(draft);
    case Scenario::shortage:
      return be_short(draft, system);
    case Scenario::drain:
      draft.drain_after = draft.peers.connections / 4;
      draft.drain_timeout = seconds{1};
      return;
    case Scenario::listener_lost:
      return lose_listeners(draft, system);
    case Scenario::interruptions:
      return interrupt(draft);
  }
}

}  // namespace iocpp::simulator

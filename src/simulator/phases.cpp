// What happens in a run, one thing after another: traffic, the end of all faults, new clients, a drain, and what must
// be left after it.
#include <algorithm>

#include "simulator/run.hpp"

namespace iocpp::simulator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t probes = 16;
constexpr std::uint32_t stay_to_the_end = 4;
constexpr std::uint32_t arrive_at_the_end = 16;

}  // namespace

void Run::go() {
  if (!open()) return;
  traffic();
  serve(1);
  machine_.faults.begin(Phase::traffic);
  if (!machine_.violation() && draft_.drain_after != UINT64_MAX && plan_.forced.empty()) return drain_in_traffic();
  serve(UINT64_MAX);
  if (!machine_.violation()) heal();
  if (!machine_.violation()) probe();
  if (!machine_.violation()) drain();
}

void Run::traffic() {
  machine_.note(What::phase, 0, 1);
  peers_.start();
  machine_.schedule.after(milliseconds{1}, EventKind::other_thread, 0, 0);
  machine_.schedule.after(milliseconds{1}, EventKind::handles, 0, 0);
  if (std::ranges::any_of(plan_.forced,
                          [](const ForcedFault& forced) { return forced.count == ForcedFault::for_ever; })) {
    run_for(seconds{3});
    machine_.faults.heal();
  }
}

/// Until so many have ended, or all.
void Run::serve(std::uint64_t connections) {
  std::uint64_t finished = 0;
  while (!machine_.violation() && !peers_.all_done() && peers_.finished() < connections) {
    finished = peers_.finished();
    const std::uint64_t next = std::min(finished + 65, connections);
    until([&] { return peers_.all_done() || peers_.finished() >= next; }, seconds{300});
    if (!machine_.violation() && !peers_.all_done() && peers_.finished() == finished)
      machine_.violate(20, "for 300 s no client got what it wanted, or was refused");
  }
}

void Run::end_faults() {
  healed_ = true;
  machine_.faults.begin(Phase::heal);
  machine_.faults.heal();
  for (Member& member : members_) member.handler->calm_down();
  machine_.network.handles().set_limit(draft_.habits.handle_limit);
}

/// No more faults. What the server has must come to its end.
void Run::heal() {
  machine_.note(What::phase, 0, 2);
  end_faults();
  for (Member& member : members_) resume(member);
  const auto at_rest = [this] {
    return std::all_of(members_.begin(), members_.end(),
                       [](const Member& member) { return member.shard->loop().core().connections() == 0; });
  };
  if (!until(at_rest, seconds{300})) machine_.violate(12, "connections whose clients have gone do not end");
  if (!machine_.violation()) check_at_rest();
}

void Run::check_at_rest() {
  std::uint64_t accepted = 0;
  std::uint64_t disconnected = 0;
  std::uint64_t refused = 0;
  std::uint64_t refused_for = 0;
  for (const Member& member : members_) {
    const core::ShardCounters& counters = member.shard->counters();
    accepted += counters.accepted.get();
    for (const core::Counter& reason : counters.disconnected) disconnected += reason.get();
    refused += counters.refused.get() + counters.shed.get() + counters.stage_failed.get();
    refused_for += counters.shed.get();
    for (const core::Counter& why : counters.proxy_failed) refused_for += why.get();
    for (const core::Counter& why : counters.refused_for) refused_for += why.get();
    if (member.handler->live() != 0) machine_.violate(11, "a connection has ended without on_disconnect");
  }
  if (accepted != disconnected) machine_.violate(17, "connections accepted are not those that ended");
  check_refusals(accepted, refused, refused_for);
}

void Run::check_refusals(std::uint64_t accepted, std::uint64_t refused, std::uint64_t refused_for) {
  if (refused != refused_for) machine_.violate(17, "clients were refused for reasons that are not counted");
  const std::uint64_t seen = machine_.network.accepted();
  if (accepted + refused > seen) machine_.violate(17, "more connections are counted than were accepted");
  // Faults, and on Windows a client that has left, cost some between their accept and the gate.
  const bool exact = plan_.faults == Level::none && plan_.forced.empty() && plan_.platform != Platform::iocp;
  if (exact && accepted + refused != seen)
    machine_.violate(17, "a client was accepted, and neither served nor counted");
  const core::AddressTable* addresses = group_.gate.addresses();
  if (addresses != nullptr && addresses->connections() != 0 && group_.gate.connections() == 0)
    machine_.violate(17, "an address has connections that are gone");
}

/// Connections, so far. A slow client may need longer than it has.
std::uint64_t Run::ended_by_deadlines() const noexcept {
  std::uint64_t ended = 0;
  for (const Member& member : members_) {
    for (const DisconnectReason reason :
         {DisconnectReason::idle_timeout, DisconnectReason::lifetime, DisconnectReason::min_rate})
      ended += member.shard->counters().disconnected[static_cast<std::size_t>(reason)].get();
  }
  return ended;
}

void Run::probe() {
  machine_.note(What::phase, 0, 3);
  // The longest wait of the accept chain, and of a pause between attempts.
  run_for(seconds{3});
  check_limits();
  for (const Member& member : members_) {
    if (member.tasks_posted != member.tasks_run) machine_.violate(14, "a message was never handled");
    if (member.shard->loop().mailbox().bytes() != 0) machine_.violate(17, "an empty mailbox counts bytes");
    if (!member.shard->accepts_at_target(draft_.accepts_in_flight))
      machine_.violate(3, "the faults are over, and fewer accepts are in flight than there should be");
  }
  check_wakes();
  const std::uint64_t served = peers_.served();
  const std::uint64_t out_of_time = ended_by_deadlines();
  peers_.probe(probes);
  if (!until([this] { return peers_.all_done(); }, seconds{20}) && !machine_.violation())
    machine_.violate(3, "deaf: the faults are over, and new clients are not served");
  // Caps so near to the high watermark, and a full mailbox, end clients that are served well otherwise.
  const bool has_room = draft_.core.send_queue_bytes_max >= core::CoreConfig{}.send_queue_bytes_max &&
                        draft_.send_bytes_max_total == 0 &&
                        (!draft_.handler.by_mailbox || draft_.mailbox_bytes_max >= Draft{}.mailbox_bytes_max);
  if (!machine_.violation() && plan_.expects_echo && has_room &&
      peers_.served() + ended_by_deadlines() - out_of_time < served + probes)
    machine_.violate(20, "the faults are over, and a new client was not served in full");
}

/// Connections may be closed, and cut, from now on.
void Run::expect_drain() {
  peers_.server_drains();
  for (Member& member : members_) member.handler->drains(group_.handed_over.load());
}

void Run::drain() {
  machine_.note(What::phase, 0, 4);
  peers_.stay(stay_to_the_end);
  run_for(milliseconds{50});
  machine_.network.heal();
  // As if there were a successor, which has kept none of the listeners: whoever waits there is to be accepted here.
  group_.handed_over = one_in(machine_.streams.scheduler, 4);
  expect_drain();
  // Some are on their way into a backlog when it begins.
  peers_.arrive(arrive_at_the_end);
  run_for(delay(machine_.streams.scheduler, milliseconds{2}));
  group_.request_drain(machine_.now() + draft_.drain_timeout);
  stop_all(draft_.drain_timeout + stop_slack());
}

/// Waits of the accept chain and of wakes, and callbacks that are slow one after another. Shorter than close() waits,
/// where none is slow: the deadline is what ends connections.
std::chrono::nanoseconds Run::stop_slack() const noexcept {
  return seconds{3} + 256 * draft_.handler.slow_max;
}

/// Asked for while clients come and go and things go wrong, which ends some time before the deadline or after it.
void Run::drain_in_traffic() {
  serve(draft_.drain_after);
  if (machine_.violation()) return;
  machine_.note(What::phase, 0, 4);
  machine_.faults.begin(Phase::drain);
  draining_ = true;
  const TimePoint deadline = machine_.now() + draft_.drain_timeout;
  machine_.network.drains(deadline);
  expect_drain();
  group_.request_drain(deadline);
  run_for(delay(machine_.streams.scheduler, 2 * draft_.drain_timeout));
  if (machine_.violation()) return;
  end_faults();
  stop_all(std::max(deadline, machine_.now()) - machine_.now() + stop_slack());
}

void Run::stop_all(std::chrono::nanoseconds at_most) {
  const auto all_ended = [this] {
    return std::all_of(members_.begin(), members_.end(), [](const Member& member) { return member.ended; });
  };
  if (!until(all_ended, at_most) && !machine_.violation()) machine_.violate(18, "the server does not stop");
  if (!machine_.violation()) check_after_stop();
}

void Run::check_after_stop() {
  for (const Member& member : members_) {
    if (member.shard->kernel_in_flight() != 0) machine_.violate(18, "the system has operations after stop");
    if (member.shard->port_in_flight() != 0) machine_.violate(18, "the port counts operations after stop");
    const core::ShardCounters& counters = member.shard->counters();
    if (!member.handler->accounts_for(counters.bytes_sent.get(), counters.unsent_bytes.get()))
      machine_.violate(10, "a message of another thread was neither sent nor given back");
    if (!member.handler->closed()) machine_.violate(11, "a shard has stopped without on_server_close");
  }
  const Handles& handles = machine_.network.handles();
  if (handles.live() != 0 || handles.opened() != handles.closed())
    machine_.violate(6, "handles are open after stop: " + std::to_string(handles.live()));
  if (machine_.network.sockets_in_use() != 0) machine_.violate(6, "sockets without a handle are left after stop");
}

}  // namespace iocpp::simulator

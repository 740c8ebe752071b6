#include "simulator/run.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/native_codes.hpp"
#include "iocpp/error.hpp"
#include "simulator/posting.hpp"
#include "stage/proxy_stage.hpp"

namespace iocpp::simulator {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t empty_turns_max = 64;
/// The system may have something to tell that leads to nothing, but not for ever.
constexpr std::uint64_t quiet_turns_max = 4096;
constexpr std::uint64_t events_at_instant_max = 200'000;
constexpr unsigned waits_a_turn_max = 1000;
constexpr unsigned quiet_max = 9;
constexpr std::uint64_t events_between_scans = 4096;

}  // namespace

System system_of(Platform platform) noexcept {
  switch (platform) {
    case Platform::io_uring:
      return System::io_uring;
    case Platform::epoll:
      return System::epoll;
    case Platform::iocp:
      return System::iocp;
  }
  return System::any;
}

std::string_view to_string(Platform platform) noexcept {
  switch (platform) {
    case Platform::io_uring:
      return "io_uring";
    case Platform::epoll:
      return "epoll";
    case Platform::iocp:
      return "iocp";
  }
  return "";
}

bool reachable(Platform platform, std::size_t cell) noexcept {
  return simulator::reachable(system_of(platform), fault_cells()[cell]);
}

Run::Run(const Plan& plan, const Draft& draft, MakeShard make_shard)
    : plan_{plan},
      draft_{draft},
      make_shard_{make_shard},
      machine_{system_of(plan.platform), plan.seed, plan.faults, draft.habits, *this, plan.last_steps},
      peers_{machine_, draft.peers},
      stages_{stage::stages_of({.listen = {{}}, .proxy_protocol = draft.proxy})},
      group_{draft.limits, HashKey{plan.seed, ~plan.seed}, draft.send_bytes_max_total, draft.shards} {
  machine_.faults.limit_to(plan.only_faults);
  if (draft.scripted) scripted_ = std::make_unique<ScriptedPeers>(machine_, peers_, draft.script);
  for (const ForcedFault& forced : plan.forced)
    machine_.faults.force(forced.cell, forced.first, forced.count, forced.every);
  for (const ForcedFault& forced : draft.forced)
    machine_.faults.force(forced.cell, forced.first, forced.count, forced.every);
  make_members();
}

/// A loop that broke a rule, or was not asked to stop, is in the middle of something and can't be ended in order: it is
/// kept, and never turned.
Run::~Run() {
  const bool in_order = std::ranges::all_of(members_, &Member::ended);
  if (in_order && !machine_.violation()) return;
  thread_local std::vector<Member>& broken = *std::make_unique<std::vector<Member>>().release();  // never destroyed
  std::ranges::move(members_, std::back_inserter(broken));
}

void Run::schedule_turn(unsigned number, std::chrono::nanoseconds after) {
  machine_.schedule.after(after, EventKind::turn, number, ++members_[number].turn_generation, number);
}

bool Run::sleep(unsigned loop, TimePoint until) {
  Member& member = members_[loop];
  const bool ends_operations = machine_.loses(loop);  // it waits for that, and then its turn goes on
  const bool first_wait = ++member.waits == 1 && !ends_operations;
  machine_.note(What::slept, loop,
                until == TimePoint::max() ? 0 : static_cast<std::uint64_t>((until - machine_.now()).count()));
  if (first_wait) {
    // Here a wait returns where a kernel's would sleep on, and what has ended quietly is told. Now and then is enough.
    if (++member.sleeps % 8 == 0 && member.shard->loop().core().hurries())
      machine_.violate(14, "a loop sleeps, and something waits for the end of a quiet send");
    member.asleep = true;
    if (until != TimePoint::max()) schedule_turn(loop, std::max(until - machine_.now(), std::chrono::nanoseconds{0}));
    return true;
  }
  // It waits within one turn: it stops, or ends what is in flight. All others go on meanwhile.
  member.asleep = false;
  if (member.waits > waits_a_turn_max) {
    machine_.violate(18, "stop waits, and nothing will come");
    return false;
  }
  member.woken = false;
  while (!member.woken) {
    if (machine_.violation()) return false;
    if (machine_.schedule.empty() && until == TimePoint::max()) {
      machine_.violate(18, "stop waits, and nothing will come");
      return false;
    }
    if (machine_.schedule.empty() || machine_.schedule.next_time() > until) {
      machine_.schedule.advance_to(until);
      return true;
    }
    step();
  }
  return true;
}

void Run::wake(unsigned loop) {
  Member& member = members_[loop];
  member.woken = true;
  if (member.running || !member.asleep) return;
  awaken(member);
  machine_.note(What::woken, loop);
  schedule_turn(loop, delay(machine_.streams.scheduler, draft_.turn_delay_max));
}

void Run::awaken(Member& member) noexcept {
  if (std::exchange(member.asleep, false)) member.slept += machine_.now() - member.asleep_since;
}

/// A moment's events; the turn that is interrupted is not entered again.
void Run::others_go_on(unsigned /*loop*/) {
  constexpr int events_max = 32;
  if (members_.size() == 1 || std::exchange(in_between_, true)) return;
  const TimePoint until = machine_.now() + draft_.turn_delay_max + draft_.habits.step_max;
  for (int events = 0; events < events_max && !machine_.violation(); ++events) {
    if (machine_.schedule.empty() || machine_.schedule.next_time() > until) break;
    step();
  }
  in_between_ = false;
}

bool Run::step() {
  const Event event = machine_.schedule.next();
  ++events_;
  events_at_instant_ = event.time == instant_ ? events_at_instant_ + 1 : 0;
  instant_ = event.time;
  if (events_at_instant_ > events_at_instant_max) machine_.violate(5, "time does not go on");
  if (events_ % events_between_scans == 0) scan();
  if (events_ > draft_.events_max) machine_.violate(own_check, "the run does not come to an end");
  if (machine_.dispatch(event)) {
    ++lively_;
    return true;
  }
  switch (event.kind) {
    case EventKind::turn:
      if (members_[event.target].turn_generation == event.generation) turn(event.target);
      break;
    case EventKind::peer:
      event.target < ScriptedPeers::first_number ? peers_.on_event(event) : scripted_->on_event(event);
      break;
    case EventKind::other_thread:
      event.target == 0 ? call_from_outside() : run_task(event.target - 1);
      break;
    case EventKind::handles:
      limit_handles(event.target == 0);
      break;
    default:
      break;
  }
  return true;
}

void Run::turn(unsigned number) {
  Member& member = members_[number];
  if (member.ended || member.running) return;
  member.running = true;
  awaken(member);
  member.woken = false;
  member.waits = 0;
  ++turns_;
  ++member.turns;
  if (member.shard->is_paused()) machine_.accepting_suffers();
  const std::uint64_t noted = machine_.trace.count();
  const std::uint64_t before = noted + member.shard->handed_out();
  const auto deadline = member.shard->loop().core().next_deadline();
  const bool goes_on = member.shard->loop().turn();
  const bool nothing_happened = machine_.trace.count() + member.shard->handed_out() == before;
  member.quiet_turns = machine_.trace.count() == noted ? member.quiet_turns + 1 : 0;
  machine_.note(What::turn, number);
  member.running = false;
  if (machine_.violation()) return;
  if (!goes_on) {
    member.ended = true;
    member.asleep = false;
    return;
  }
  // Its wait has come back early, and after it a timer was due: what that led to is seen by the next wait only.
  const bool expired = deadline && *deadline <= machine_.now();
  member.asleep = member.asleep && member.shard->idle() && !member.woken && !expired;
  check(number);
  if (member.asleep) {
    member.asleep_since = machine_.now();
    member.turns_in_row = 0;
    return;
  }
  member.turns_in_row = nothing_happened ? member.turns_in_row + 1 : 0;
  if (member.turns_in_row > empty_turns_max || member.quiet_turns > quiet_turns_max)
    machine_.violate(5, "a loop turns and turns, and nothing happens");
  schedule_turn(number, delay(machine_.streams.scheduler, draft_.turn_delay_max));
}

void Run::check(unsigned number) {
  Member& member = members_[number];
  if (!member.shard->accept_chain_holds(member.asleep))
    machine_.violate(3, "a listener is open, and nothing is in flight or armed that would accept");
  check_reserve(member);
  member.handler->check_told(member.shard->loop().core());
  member.handler->check_awaited(member.shard->loop().core());
  if (member.shard->is_paused()) machine_.accepting_suffers();
  if (member.asleep && member.tasks_posted != member.tasks_run)
    machine_.violate(14, "a loop sleeps with a message in its mailbox");
  if (!member.shard->accepts_within_target(draft_.accepts_in_flight))
    machine_.violate(3, "more accepts are in flight than there should be");
  const core::ShardCounters& counters = member.shard->counters();
  if (counters.connections_open.get() < member.handler->live())
    machine_.violate(17, "fewer connections are counted than handlers know");
  if (counters.connections_open.get() + counters.preparing.get() != member.shard->loop().core().connections())
    machine_.violate(17, "the counter of open connections is not their number");
  check_limits();
  check_calls();
}

void Run::check_calls() {
  for (const Member& member : members_) {
    if (member.shard->counters().misplaced_calls.get() != 0)
      fail("a Connection was used where it must not be: not in a callback or task of its own shard; use send or post");
  }
}

/// A turn takes it back, unless handles were freed after that.
void Run::check_reserve(Member& member) {
  constexpr unsigned most = 3;
  const bool missing = !member.shard->has_reserve() && !machine_.network.handles().full();
  member.turns_without_reserve = missing ? member.turns_without_reserve + 1 : 0;
  if (member.turns_without_reserve > most)
    machine_.violate(3, "there are handles, and a loop does not take back the one with which it refuses clients");
}

/// Deadlines, and what all queues hold together.
void Run::check_flow() {
  std::size_t queued = 0;
  for (Member& member : members_) {
    member.handler->check_deadlines();
    const core::Core::Turn looked_at{member.shard->loop().core()};
    queued += member.handler->queued();
  }
  if (draft_.send_bytes_max_total != 0 && queued > draft_.send_bytes_max_total)
    machine_.violate(16, "all send queues together are above their cap");
}

/// A connection or task of which the server's own threads know nothing.
void Run::call_from_outside() {
  check_flow();
  Prng& chance = machine_.streams.scheduler;
  const auto number = static_cast<unsigned>(chance.below(group_.loops.size()));
  Member& member = members_[number];
  const auto nth = static_cast<std::uint32_t>(chance.below(1024));
  const std::uint64_t what = chance.below(8);
  const ConnectionId id = member.handler->some(nth);
  if (id && machine_.happens(Site::client_reset)) member.handler->reset(id);
  if (draft_.scripted) return ask_again();
  using Kind = engine::Message::Kind;
  Kind kind = Kind::task;
  if (id && what == 0) kind = Kind::close;
  if (id && what == 1) kind = Kind::abort;
  auto message = std::make_unique<engine::Message>(kind);
  message->id = id;
  if (kind == Kind::task) {
    ++member.tasks_posted;
    message->task = [this, &member, slept = member.slept, turns = member.turns,
                     closes = what == 2 ? id : ConnectionId{}] {
      ++member.tasks_run;
      member.handler->resume_paused();
      if (closes) member.handler->close(closes);
      if (member.slept - slept > wake_bound) machine_.violate(14, "a message waited, and its loop slept");
      if (member.turns - turns > turns_to_a_task_max) machine_.violate(14, "a message waited, and its loop turned");
    };
  }
  machine_.note(What::called, number, static_cast<std::uint64_t>(kind));
  if (put(member, std::move(message)) && kind != Kind::task) member.handler->ends(id, kind == Kind::abort);
  ask_again();
}

/// Whether somebody calls, a while later.
void Run::ask_again() {
  if (healed_) return;
  quiet_ = std::exchange(lively_seen_, lively_) == lively_ ? std::min(quiet_ + 1, quiet_max) : 0;
  machine_.schedule.after(delay(machine_.streams.scheduler, pause(draft_.calls_pause_max, quiet_max)),
                          EventKind::other_thread, 0, 0);
}

/// A user's test may have hours in which nothing happens: faults of the time itself become rare then.
std::chrono::nanoseconds Run::pause(std::chrono::nanoseconds most, unsigned doublings_max) const noexcept {
  return draft_.scripted ? most * (1U << std::min(quiet_, doublings_max)) : most;
}

bool Run::post_resume(Member& member) {
  auto message = std::make_unique<engine::Message>(engine::Message::Kind::task);
  ++member.tasks_posted;
  message->task = [&member] {
    ++member.tasks_run;
    member.handler->resume_paused();
  };
  return put(member, std::move(message));
}

/// A mailbox that is full is emptied by the loop's next turn.
void Run::resume(Member& member) {
  for (int tries = 0; tries < 1000 && !machine_.violation(); ++tries) {
    if (post_resume(member)) return;
    run_for(milliseconds{1});
  }
  machine_.violate(14, "a mailbox is full, and stays so");
}

bool Run::put(Member& member, std::unique_ptr<engine::Message> message) {
  const bool is_task = message->kind == engine::Message::Kind::task;
  const bool taken = post(machine_, member.shard->loop().mailbox(), std::move(message), draining_);
  if (!taken && is_task) --member.tasks_posted;
  return taken;
}

/// No wake fails any more, and no handler is slow: a message is handled at once.
void Run::check_wakes() {
  for (Member& member : members_) resume(member);
  const auto all_ran = [this] {
    return std::all_of(members_.begin(), members_.end(),
                       [](const Member& member) { return member.tasks_posted == member.tasks_run; });
  };
  if (!until(all_ran, milliseconds{300})) machine_.violate(14, "a message waits, and its loop sleeps");
}

void Run::limit_handles(bool begins) {
  Handles& handles = machine_.network.handles();
  handles.set_limit(draft_.habits.handle_limit);
  if (!begins) machine_.accepting_suffers();
  if (healed_) return;
  Prng& chance = machine_.streams.plan;
  const bool episode = begins && machine_.happens(Site::handle_limit);
  if (episode) handles.set_limit(handles.live() + chance.below(4));
  machine_.schedule.after(delay(chance, pause(draft_.handles_pause_max, 3)), EventKind::handles, episode ? 1 : 0, 0);
}

bool Run::open() {
  for (unsigned number = 0; number < members_.size(); ++number) {
    Member& member = members_[number];
    if (member.shard->loop().open({member.handler.get()})) {
      machine_.violate(21, "a loop can't be opened");
      return false;
    }
    schedule_turn(number, {});
  }
  return true;
}

Outcome Run::outcome() {
  Outcome outcome;
  outcome.seed = plan_.seed;
  outcome.hash = machine_.trace.hash();
  outcome.connections = peers_.connections() + (scripted_ ? scripted_->connections() : 0);
  outcome.served = peers_.served();
  outcome.faults = machine_.faults.injected();
  outcome.faults_drawn = machine_.faults.drawn();
  if (scripted_) outcome.scripts_begun = scripted_->begun();
  if (scripted_) outcome.scripts_dropped = scripted_->dropped();
  outcome.cells = machine_.faults.counts();
  outcome.cells_by_phase = machine_.faults.counts_by_phase();
  outcome.events = events_;
  outcome.turns = turns_;
  outcome.virtual_time = machine_.now() - TimePoint{std::chrono::hours{1}};
  if (const auto& violation = machine_.violation()) {
    outcome.violated = violation->invariant;
    outcome.invariant = invariant_in_words(violation->invariant);
    outcome.detail = violation->words;
    outcome.violated_at = violation->time - TimePoint{std::chrono::hours{1}};
  }
  if (outcome.violated != 0 || plan_.keeps_steps) outcome.last_steps = machine_.trace.last(plan_.last_steps);
  return outcome;
}

Outcome simulate(const Plan& plan, MakeShard make_shard) {
  Run run{plan, draft(plan), make_shard};
  run.go();
  return run.outcome();
}

Outcome simulate(const Plan& plan) {
  return simulate(plan, shipped_shard(plan.platform));
}

}  // namespace iocpp::simulator

#include "simulator/machine.hpp"

#include <array>
#include <bit>
#include <cassert>

namespace iocpp::simulator {
namespace {

thread_local Machine* current = nullptr;

constexpr unsigned windows_handle_stride = 4;

}  // namespace

std::string_view invariant_in_words(unsigned invariant) noexcept {
  constexpr std::array<std::string_view, 24> words{
      "",
      "each posted operation has exactly one terminal completion",
      "memory that the kernel may touch is alive and unmoved until the terminal completion",
      "a listener that is open has an accept or a poll in flight, or a retry timer armed",
      "only close, or a lost listener, ends a listener",
      "the number of steps without progress is bounded, and so is the rate of retries",
      "handles opened are those closed and those live",
      "a completion meets the generation that it was posted for, or is absorbed",
      "bytes are delivered in order, once, and before the end",
      "bytes on the wire are the accepted writes in order; one send is in flight a connection",
      "each write is reported once and truthfully; a graceful close flushes",
      "on_connect comes first, on_disconnect last, once each, and nothing after",
      "a closed connection is reported within bounded time",
      "no two callbacks at once; the depth of calls is bounded",
      "work that is queued has a loop that runs, or a wake on its way",
      "timers are never early, never late after a cancel, at most once",
      "queued bytes stay within their cap",
      "counters equal the live objects",
      "after stop there is no operation and no handle",
      "a handler that throws ends its own connection only",
      "a connection that can go on is served within bounded time",
      "the same script gives the same trace on every backend",
      "the same seed gives the same trace",
      "what the test itself demands"};
  return invariant < words.size() ? words[invariant] : "";
}

Machine::Machine(System which, std::uint64_t seed, Level level, const Habits& own_habits, Threads& who,
                 std::size_t steps_kept)
    : system{which},
      habits{own_habits},
      streams{seed},
      schedule{Prng{streams.scheduler.next()}},
      faults{which, level, Prng{streams.faults.next()}},
      trace{std::bit_ceil(steps_kept)},
      network{*this, own_habits.network, which == System::iocp ? windows_handle_stride : 1, own_habits.handle_limit},
      threads{who},
      outer_{current},
      errors_{which == System::iocp ? NativeSystem::windows : NativeSystem::linux_os} {
  connections_of.resize(own_habits.network.addresses, 0);
  current = this;
}

Machine::~Machine() {
  // Not always the newest: whoever has two may end the older one first.
  if (current == this) {
    current = outer_;
    return;
  }
  for (Machine* inner = current; inner != nullptr; inner = inner->outer_) {
    if (inner->outer_ == this) inner->outer_ = outer_;
  }
}

Machine& Machine::of_this_thread() noexcept {
  assert(current != nullptr);
  return *current;
}

const Trace* Machine::trace_of_this_thread() noexcept {
  return current == nullptr ? nullptr : &current->trace;
}

bool Machine::is_of_this_thread() const noexcept {
  return current == this;
}

bool Machine::dispatch(const Event& event) {
  switch (event.kind) {
    case EventKind::established:
    case EventKind::arrive_at_server:
    case EventKind::arrive_at_peer:
    case EventKind::reset_at_server:
    case EventKind::reset_at_peer:
    case EventKind::silence:
      network.on_event(event);
      return true;
    case EventKind::kernel_step:
      kernels_[event.owner]->step(event.target, event.generation);
      return true;
    case EventKind::turn:
    case EventKind::peer:
    case EventKind::other_thread:
    case EventKind::handles:
    case EventKind::phase:
      break;
  }
  return false;
}

int Machine::inject(Site site) noexcept {
  const int error = faults.inject(site, schedule.now());
  if (error == 0) return 0;
  note(What::fault, static_cast<std::uint32_t>(site), static_cast<std::uint64_t>(error));
  if (keeps_clients_waiting(site)) accepting_suffers();
  cancels_refused = cancels_refused || site == Site::cancel_post;
  return error;
}

/// Paced from 1 ms, doubling to 1 s, each of them for all accepts that a listener has at once; a handle that was closed
/// is a reason to try at once.
void Machine::accept_fell_short(unsigned loop, bool of_handles) {
  if (of_handles) accepting_suffers();
  constexpr std::uint64_t attempts = 24;
  if (shortages_.size() <= loop) shortages_.resize(loop + 1);
  Shortage& shortage = shortages_[loop];
  const std::uint64_t closed = network.handles().closed();
  if (shortage.count == 0 || (of_handles && closed != shortage.handles_closed)) {
    shortage.count = 0;
    shortage.since = now();
  }
  shortage.handles_closed = closed;
  const auto more = static_cast<std::uint64_t>((now() - shortage.since) / std::chrono::milliseconds{250});
  if (++shortage.count > accepts_at_once * (attempts + more))
    violate(5, "accepts that fall short are tried again without a pause");
}

void Machine::accept_failed(unsigned loop) {
  constexpr unsigned most = 1'024;
  if (shortages_.size() <= loop) shortages_.resize(loop + 1);
  Shortage& shortage = shortages_[loop];
  if (shortage.failed_at != now()) shortage.failures_at_once = 0;
  shortage.failed_at = now();
  if (++shortage.failures_at_once > most) violate(5, "accepts fail again and again in one instant");
}

void Machine::accept_succeeded(unsigned loop) noexcept {
  if (loop < shortages_.size()) shortages_[loop].count = 0;
}

void Machine::violate(unsigned invariant, std::string_view words) {
  if (violation_) return;
  violation_ = Violation{invariant, std::string{words}, schedule.now()};
}

}  // namespace iocpp::simulator

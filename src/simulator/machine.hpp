// What all parts of one simulated run share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/native_system.hpp"
#include "simulator/faults.hpp"
#include "simulator/network.hpp"
#include "simulator/schedule.hpp"
#include "simulator/trace.hpp"

namespace iocpp::simulator {

/// What must never be: the number of the invariant, in words, and when it was seen.
struct Violation {
  unsigned invariant;
  std::string words;
  TimePoint time;
};

/// Not one of the library's: what a user's test demands.
inline constexpr unsigned own_check = 23;

/// "1: each posted operation has exactly one terminal completion": what the number stands for.
std::string_view invariant_in_words(unsigned invariant) noexcept;

/// One loop's part of the simulated system.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void step(std::uint32_t operation, std::uint32_t generation) = 0;
};

/// Who turns the loops.
class Threads {
 public:
  virtual ~Threads() = default;
  /// The loop has found nothing and would sleep until then. It comes back with nothing and is turned again when there
  /// is something; or, where its caller goes on waiting, time passes in here. False: nothing will ever come.
  virtual bool sleep(unsigned loop, TimePoint until) = 0;
  /// There is something for the loop.
  virtual void wake(unsigned loop) = 0;
  /// The loop is between two calls that other threads may come in between of, and it matters.
  virtual void others_go_on(unsigned /*loop*/) {}
};

/// How the system is this time; drawn from the seed, or set by a test.
struct Habits {
  unsigned submission_entries_max = 1024;
  unsigned completion_entries_max = 8192;
  bool taskrun_flags = true;
  bool incremental_buffers = true;
  bool multishot_accept = true;
  bool multishot_receive = true;
  bool precise_waits = true;   ///< epoll_pwait2
  bool system_handles = true;  ///< IOCP: packets of inline successes can be skipped.
  unsigned inline_of_8 = 6;    ///< So many of eight operations are tried in the call that posts them.
  std::chrono::nanoseconds step_max = std::chrono::microseconds{20};  ///< What an operation takes that is not.
  NetworkHabits network{};
  std::size_t handle_limit = 1U << 20;
};

class Machine {
 public:
  Machine(System system, std::uint64_t seed, Level level, const Habits& habits, Threads& threads,
          std::size_t steps_kept = 64);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// The machine whose run this thread is in: for the calls of a `Sys` that belong to no object.
  static Machine& of_this_thread() noexcept;
  bool is_of_this_thread() const noexcept;
  /// Null: there is none. Async-signal-safe.
  static const Trace* trace_of_this_thread() noexcept;

  void enlist(unsigned loop, Kernel& kernel) {
    if (kernels_.size() <= loop) kernels_.resize(loop + 1, nullptr);
    kernels_[loop] = &kernel;
  }

  /// The kernel goes on with an operation of the loop's, after a while. Once at a time.
  template <class Operation>
  void step_later(unsigned loop, std::uint32_t index, Operation& operation) {
    if (std::exchange(operation.stepping, true)) return;
    schedule.after(delay(streams.kernel, habits.step_max), EventKind::kernel_step, index, operation.generation, loop);
  }

  /// False: not an event of the network or the system.
  bool dispatch(const Event& event);

  TimePoint now() const noexcept { return schedule.now(); }
  void note(What what, std::uint32_t subject, std::uint64_t value = 0) noexcept {
    trace.note(schedule.now(), what, subject, value);
  }
  int inject(Site site) noexcept;
  // A run has one of the two: where the entry is lost that says of a listener's number that it is nobody's, it may be
  // somebody else's when it is closed.
  bool has_lost_entries = false;
  bool has_closed_listeners = false;  ///< By foreign code.
  bool cancels_refused = false;       ///< Once, or more often: what is to end may go on until then.
  bool happens(Site site) noexcept { return inject(site) != 0; }

  /// A loop is told that its accept lacks something: it must not ask again and again.
  void accept_fell_short(unsigned loop, bool of_handles);
  void accept_succeeded(unsigned loop) noexcept;
  /// For whatever reason: it must not be tried again and again in one turn.
  void accept_failed(unsigned loop);

  /// A loop's kernel has lost what it was to tell; or all that was in flight then has ended, and is begun anew.
  void loop_loses(unsigned loop, bool does) {
    if (losses_.size() <= loop) losses_.resize(loop + 1);
    losses_[loop] = does ? Loss::now : Loss::before;
    has_lost_entries = true;
  }
  bool loses(unsigned loop) const noexcept { return loop < losses_.size() && losses_[loop] == Loss::now; }
  bool has_lost(unsigned loop) const noexcept { return loop < losses_.size() && losses_[loop] != Loss::none; }

  /// Something that keeps clients waiting, or has them refused, is going on: an accept fails, handles or memory for one
  /// are short, a loop can't wait or be woken.
  void accepting_suffers() noexcept { suffered_at_ = now(); }
  /// The last of it, with the pauses that it may have led to, was over by then.
  bool accepting_was_well_since(TimePoint time) const noexcept { return suffered_at_ + recovery < time; }
  /// The longest pause of the accept chain is 1 s; a new listener, and a wake that failed, may need one each.
  static constexpr std::chrono::seconds recovery{3};

  /// The first violation of a run is kept; the run ends with it.
  void violate(unsigned invariant, std::string_view words);
  const std::optional<Violation>& violation() const noexcept { return violation_; }

  /// What a client may wait until it is met, with nothing in the way.
  std::chrono::nanoseconds accept_wait_max = std::chrono::hours{1};
  std::vector<std::uint32_t> connections_of;  ///< By number of a client's address: those that a handler has.
  unsigned accepts_at_once = 1;               ///< A listener's; they fail together.
  const System system;
  const Habits habits;
  Streams streams;
  Schedule schedule;
  Faults faults;
  Trace trace;
  Network network;
  Threads& threads;

 private:
  /// Accepts of a loop that fell short, without a success between them.
  struct Shortage {
    std::uint64_t count = 0;
    std::uint64_t handles_closed = 0;
    TimePoint since{};
    TimePoint failed_at{};
    unsigned failures_at_once = 0;
  };

  std::vector<Kernel*> kernels_;
  std::vector<Shortage> shortages_;  // by loop
  enum class Loss : std::uint8_t { none, now, before };
  std::vector<Loss> losses_;  // by loop
  TimePoint suffered_at_{};
  std::optional<Violation> violation_;
  Machine* outer_;
  NativeSystemScope errors_;
};

}  // namespace iocpp::simulator

// One run: loops, clients and other threads, taking turns as the schedule has it, through the phases to the end.
#pragma once

#include <memory>
#include <vector>

#include "engine/loop.hpp"
#include "simulator/checked_handler.hpp"
#include "simulator/machine.hpp"
#include "simulator/peers.hpp"
#include "simulator/scripted_peers.hpp"
#include "simulator/shard.hpp"
#include "simulator/simulation.hpp"

namespace iocpp::simulator {

/// What the seed decides before anything happens.
struct Draft {
  Habits habits;
  PeerHabits peers;
  HandlerHabits handler;
  unsigned shards = 1;
  bool accept_loop = false;
  unsigned accepts_in_flight = 16;
  std::size_t lend_bytes_min = engine::EngineConfig{}.lend_bytes_min;
  Limits limits{.connections_max = 100'000};
  std::size_t send_bytes_max_total = 0;
  std::size_t receive_ring_bytes = 64U << 10;
  std::size_t posted_receive_bytes = 0;
  core::CoreConfig core;  ///< Of each shard; who it is, is added.
  std::size_t mailbox_bytes_max = 64U << 20;
  std::vector<ForcedFault> forced{};                                         ///< Besides those of the plan.
  std::chrono::nanoseconds calls_pause_max = std::chrono::milliseconds{20};  ///< Between calls from other threads.
  std::chrono::nanoseconds handles_pause_max = std::chrono::milliseconds{200};
  std::chrono::nanoseconds turn_delay_max = std::chrono::microseconds{5};

  ProxyProtocol proxy{};  ///< Off while nobody is trusted.

  bool scripted = false;  ///< A user's test: the seed decides nothing that a handler or its clients would do.
  ScriptHabits script;
  std::chrono::nanoseconds drain_timeout = std::chrono::seconds{4};
  std::uint64_t events_max = UINT64_MAX;
  std::uint64_t drain_after = UINT64_MAX;  ///< Connections that have ended, and traffic and faults go on; or never.
};

Draft draft(const Plan& plan);

class Run final : public Threads {
 public:
  Run(const Plan& plan, const Draft& draft, MakeShard make_shard);
  ~Run() override;

  void go();
  Outcome outcome();

  // In place of `go`, for a user's test (scripted_run.cpp).
  void begin_scripts();
  void run_for(std::chrono::nanoseconds time);
  /// To their ends; then convergence, and a drain.
  void finish_scripts();
  void after(std::chrono::nanoseconds delay, std::function<void()> task);
  std::error_code put(unsigned shard, std::unique_ptr<engine::Message> message);
  void fail(std::string_view why) { machine_.violate(own_check, why); }
  /// False: another thread's, or there is a newer one on this thread.
  bool is_current() const noexcept { return machine_.is_of_this_thread(); }
  bool violated() const noexcept { return machine_.violation().has_value(); }
  ScriptedPeers& scripted() noexcept { return *scripted_; }
  Counters counters() const;
  TimePoint now() const noexcept { return machine_.now(); }

  bool sleep(unsigned loop, TimePoint until) override;
  void wake(unsigned loop) override;
  void others_go_on(unsigned loop) override;

 private:
  /// A wake that can't be posted is made good within a second of sleep (iocp::Port::longest_sleep).
  static constexpr std::chrono::seconds wake_bound{3};
  static constexpr std::uint64_t turns_to_a_task_max = 2;  ///< One may have taken its messages already.

  struct Member {
    std::unique_ptr<Shard> shard;
    std::unique_ptr<Handler> inner;
    std::unique_ptr<CheckedHandler> handler;
    std::uint32_t turn_generation = 0;
    unsigned waits = 0;  ///< In the turn that runs.
    std::uint64_t sleeps = 0;
    std::uint64_t turns = 0;
    bool asleep = false;
    TimePoint asleep_since;
    std::chrono::nanoseconds slept{};  ///< In all; a turn of slow callbacks is none of it.
    bool running = false;
    bool woken = false;
    bool ended = false;
    TimePoint frozen_since = TimePoint::max();  ///< Paused by a limit, asleep, and there is room.
    std::uint64_t turns_in_row = 0;             ///< Without sleeping.
    std::uint64_t quiet_turns = 0;              ///< In a row: nothing was done in them.
    unsigned turns_without_reserve = 0;         ///< In a row, with handles to be had.
    std::uint64_t tasks_posted = 0;
    std::uint64_t tasks_run = 0;
  };

  bool open();
  void make_members();
  void make_member(unsigned number, bool accepts, bool places);
  HandlerHabits habits_of(const Member& member, unsigned number);
  engine::EngineConfig config_of(unsigned number);
  NativeHandle reopen(int& error);

  template <class Enough>
  bool until(Enough&& enough, std::chrono::nanoseconds at_most);
  bool step();
  void turn(unsigned number);
  void awaken(Member& member) noexcept;
  void check(unsigned number);
  void check_reserve(Member& member);
  void scan();
  void check_limits();
  void check_calls();
  void check_rate();
  void check_at_rest();
  void check_refusals(std::uint64_t accepted, std::uint64_t refused, std::uint64_t refused_for);
  void check_after_stop();
  void schedule_turn(unsigned number, std::chrono::nanoseconds after);
  void call_from_outside();
  bool post_resume(Member& member);
  void resume(Member& member);
  void check_wakes();
  void check_flow();
  void ask_again();
  std::chrono::nanoseconds pause(std::chrono::nanoseconds most, unsigned doublings_max) const noexcept;
  std::unique_ptr<Handler> errors_to_shard();
  void run_task(std::uint32_t number);
  void limit_handles(bool begins);

  void traffic();
  void serve(std::uint64_t connections);
  void drain_in_traffic();
  std::chrono::nanoseconds stop_slack() const noexcept;
  bool put(Member& member, std::unique_ptr<engine::Message> message);
  void end_faults();
  void heal();
  void probe();
  std::uint64_t ended_by_deadlines() const noexcept;
  void expect_drain();
  void drain();
  void heal_scripted();
  void drain_scripted();
  void stop_all(std::chrono::nanoseconds at_most);

  Plan plan_;
  Draft draft_;
  MakeShard make_shard_;
  Machine machine_;
  Peers peers_;
  std::unique_ptr<ScriptedPeers> scripted_;
  std::vector<std::function<void()>> tasks_;  // of a user's test, by number; EventKind::other_thread runs them
  std::unique_ptr<core::Stages> stages_;
  engine::Group group_;
  EchoHandler echo_;
  std::vector<Member> members_;
  std::uint64_t events_ = 0;
  std::uint64_t turns_ = 0;
  std::int64_t instant_ = 0;
  std::uint64_t events_at_instant_ = 0;
  std::uint64_t lively_ = 0;  ///< Events of the network and the system.
  std::uint64_t lively_seen_ = 0;
  unsigned quiet_ = 0;  ///< Calls from outside, in a row, between which there was none of them.
  bool healed_ = false;
  bool in_between_ = false;
  bool draining_ = false;
};

template <class Enough>
bool Run::until(Enough&& enough, std::chrono::nanoseconds at_most) {
  const TimePoint end = machine_.now() + at_most;
  while (!machine_.violation() && !enough()) {
    if (machine_.schedule.empty() || machine_.schedule.next_time() > end) {
      machine_.schedule.advance_to(end);
      return false;
    }
    step();
  }
  return !machine_.violation();
}

/// `simulate`, with loops of the caller's.
Outcome simulate(const Plan& plan, MakeShard make_shard);

}  // namespace iocpp::simulator

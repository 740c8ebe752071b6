// One run: loops, clients and other threads, taking turns as the schedule has it, through the phases to the end.
#pragma once

#include <memory>
#include <vector>

#include "engine/loop.hpp"
#include "simulator/checked_handler.hpp"
#include "simulator/machine.hpp"
#include "simulator/peers.hpp"
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
  std::size_t connections_max = 100'000;
  std::size_t receive_ring_bytes = 64U << 10;
  std::size_t posted_receive_bytes = 0;
  std::size_t send_queue_high = 1U << 20;
  std::chrono::nanoseconds turn_delay_max = std::chrono::microseconds{5};
};

Draft draft(const Plan& plan);

class Run final : public Threads {
 public:
  Run(const Plan& plan, const Draft& draft, MakeShard make_shard);
  ~Run();

  void go();
  Outcome outcome();

  bool sleep(unsigned loop, TimePoint until) override;
  void wake(unsigned loop) override;

 private:
  struct Member {
    std::unique_ptr<Shard> shard;
    std::unique_ptr<Handler> inner;
    std::unique_ptr<CheckedHandler> handler;
    std::uint32_t turn_generation = 0;
    unsigned waits = 0;  ///< In the turn that runs.
    bool asleep = false;
    bool running = false;
    bool woken = false;
    bool ended = false;
    std::uint64_t turns_in_row = 0;  ///< Without sleeping.
    std::uint64_t quiet_turns = 0;   ///< In a row: nothing was done in them.
    std::uint64_t tasks_posted = 0;
    std::uint64_t tasks_run = 0;
  };

  void make_members();
  void make_member(unsigned number, bool accepts, bool places);
  engine::EngineConfig config_of(unsigned number);
  NativeHandle reopen(int& error);

  template <class Enough>
  bool until(Enough&& enough, std::chrono::nanoseconds at_most);
  bool step();
  void turn(unsigned number);
  void check(unsigned number);
  void check_at_rest();
  void check_after_stop();
  void schedule_turn(unsigned number, std::chrono::nanoseconds after);
  void call_from_outside();
  void post_resume(Member& member);
  void check_wakes();
  void limit_handles(bool begins);

  void traffic();
  void heal();
  void probe();
  void drain();

  Plan plan_;
  Draft draft_;
  MakeShard make_shard_;
  Machine machine_;
  Peers peers_;
  engine::Group group_;
  EchoHandler echo_;
  std::vector<Member> members_;
  std::uint64_t events_ = 0;
  std::uint64_t turns_ = 0;
  std::int64_t instant_ = 0;
  std::uint64_t events_at_instant_ = 0;
  bool healed_ = false;
};

/// `simulate`, with loops of the caller's.
Outcome simulate(const Plan& plan, MakeShard make_shard);

}  // namespace iocpp::simulator

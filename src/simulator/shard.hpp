// One loop of the simulated server, as the run sees it.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/loop.hpp"
#include "simulator/machine.hpp"
#include "simulator/simulation.hpp"

namespace iocpp::simulator {

class Shard {
 public:
  virtual ~Shard() = default;
  virtual engine::Loop& loop() noexcept = 0;
  /// Its last turn ended in a wait that found nothing, with nothing posted since.
  virtual bool idle() noexcept = 0;
  /// What the system has handed it.
  virtual std::uint64_t handed_out() noexcept = 0;
  virtual std::uint64_t kernel_in_flight() noexcept = 0;
  virtual std::uint64_t port_in_flight() noexcept = 0;
  /// For each listener: what the engine believes, and, of a loop that sleeps, what the system has.
  virtual bool accept_chain_holds(bool asleep) noexcept = 0;
  /// No listener has more accepts in the system than it is meant to.
  virtual bool accepts_within_target(unsigned singles) noexcept = 0;
  /// Each listener has all of the accepts that it is meant to have; a while after the last fault.
  virtual bool accepts_at_target(unsigned singles) noexcept = 0;
  /// What it answers clients with at the handle limit is there.
  virtual bool has_reserve() noexcept = 0;
  /// Some listener of it is paused by a limit.
  virtual bool is_paused() noexcept = 0;
  virtual const core::ShardCounters& counters() const noexcept = 0;
};

/// Makes the loops of a run. A test of the checker makes wrong ones.
using MakeShard = std::unique_ptr<Shard> (*)(engine::EngineConfig config, engine::Group& group, Machine& machine,
                                             unsigned number);

/// What ships, over each simulated system: a source file each, so that a change in one backend compiles one of them.
std::unique_ptr<Shard> make_io_uring_shard(engine::EngineConfig config, engine::Group& group, Machine& machine,
                                           unsigned number);
std::unique_ptr<Shard> make_epoll_shard(engine::EngineConfig config, engine::Group& group, Machine& machine,
                                        unsigned number);
std::unique_ptr<Shard> make_iocp_shard(engine::EngineConfig config, engine::Group& group, Machine& machine,
                                       unsigned number);

/// What ships, over the platform's simulated system.
MakeShard shipped_shard(Platform platform) noexcept;

}  // namespace iocpp::simulator

// A simulated loop of a port and a system: the shipped engine, and what is checked between its turns.
#pragma once

#include <memory>

#include "engine/engine.hpp"
#include "simulator/shard.hpp"

namespace iocpp::simulator {

template <template <class> class Port, class Sys>
class ShardOver final : public Shard {
 public:
  ShardOver(const engine::EngineConfig& config, engine::Group& group, Machine& machine, unsigned number)
      : engine_{config, group, machine, number}, limits_pause_{group.gate.pauses()} {}

  engine::Loop& loop() noexcept override { return engine_; }
  bool idle() noexcept override { return sys().idle(); }
  std::uint64_t handed_out() noexcept override { return sys().handed_out(); }
  std::uint64_t kernel_in_flight() noexcept override { return sys().in_flight(); }
  std::uint64_t port_in_flight() noexcept override { return engine_.port().in_flight(); }
  bool has_reserve() noexcept override { return engine_.has_reserve(); }
  const core::ShardCounters& counters() const noexcept override { return engine_.core().counters(); }

  bool accept_chain_holds(bool asleep) noexcept override {
    if (!engine_.accept_chain_holds()) return false;
    for (const engine::Listener& listener : engine_.listeners()) {
      const core::Acceptor& acceptor = listener.acceptor;
      using Mode = core::Acceptor::Mode;
      if (acceptor.mode() == Mode::closed || acceptor.mode() == Mode::closing || acceptor.armed()) continue;
      if (acceptor.waits_for_place()) continue;  // Run::check_limits
      if (asleep && !sys().listens(listener.handle)) return false;
    }
    return true;
  }

  bool accepts_within_target(unsigned singles) noexcept override {
    for (const engine::Listener& listener : engine_.listeners()) {
      if (listener.handle != no_handle &&
          sys().accepts_of(listener.handle) > (listener.acceptor.multishot() ? 1 : singles))
        return false;
    }
    return true;
  }

  bool accepts_at_target(unsigned singles) noexcept override {
    for (const engine::Listener& listener : engine_.listeners()) {
      const core::Acceptor& acceptor = listener.acceptor;
      using Mode = core::Acceptor::Mode;
      // Where limits pause there is room again, for some at least. Who went to sleep with an accept in flight has it,
      // though what another shard took meanwhile would pause it.
      const bool accepts = acceptor.mode() == Mode::accepting || (limits_pause_ && acceptor.mode() == Mode::paused);
      const unsigned in_flight = acceptor.accepts_in_flight();
      const bool enough = limits_pause_ ? in_flight != 0 : in_flight == (acceptor.multishot() ? 1 : singles);
      if (!accepts || !enough) return false;
    }
    return true;
  }

  bool is_paused() noexcept override {
    for (const engine::Listener& listener : engine_.listeners()) {
      if (listener.acceptor.mode() == core::Acceptor::Mode::paused) return true;
    }
    return false;
  }

 private:
  Sys& sys() noexcept { return engine_.port().sys(); }

  engine::Engine<Port<Sys>> engine_;
  bool limits_pause_;
};

/// `config.core` gets what the platform knows.
template <template <class> class Port, class Sys>
std::unique_ptr<Shard> make_shard_over(engine::EngineConfig config, engine::Group& group, Machine& machine,
                                       unsigned number) {
  config.core.platform = Port<Sys>::capabilities.platform;
  config.core.peer_name = &Port<Sys>::peer_name;
  return std::make_unique<ShardOver<Port, Sys>>(config, group, machine, number);
}

}  // namespace iocpp::simulator

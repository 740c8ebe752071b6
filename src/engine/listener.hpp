// One listener of a shard: its handle, its accept chain, and what was said about it.
#pragma once

#include "core/acceptor.hpp"
#include "engine/backend.hpp"

namespace iocpp::engine {

struct Listener {
  Listener(std::uint32_t position, std::uint16_t number_of, NativeHandle open_handle,
           const core::Acceptor::Config& config, core::TimerQueue& timers)
      : index{position}, number{number_of}, handle{open_handle}, acceptor{config, timers} {}

  std::uint32_t index;   ///< Among those of its loop.
  std::uint16_t number;  ///< Among those of the options; several sockets may be of one.
  std::uint32_t generation = 1;
  NativeHandle handle;
  bool handle_gone = false;  ///< The system says that it is no handle: closing it could close somebody else's.
  bool cancel_posted = false;
  bool told_deaf = false;           ///< The group counts it as closed.
  std::uint32_t rest_accepted = 0;  ///< Of who was in the backlog when it began to close.
  bool waited = false;              ///< At the end of the last turn: for a retry ...
  bool paused = false;              ///< ... by a limit.
  bool lost_told = false;           ///< on_server_error(listener_lost) was called, and not yet listener_restored.
  TimePoint quiet_until{};          ///< No further report before.
  core::Acceptor acceptor;

  ListenerRef ref() const noexcept { return {index, generation, handle}; }
};

}  // namespace iocpp::engine

// Whether a server accepts: what a monitor asks, from outside of its threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <iocpp/export.hpp>

namespace iocpp {

/// What a listener is doing.
enum class AcceptState : std::uint8_t {
  closed,
  accepting,
  paused,      ///< A limit is full (`WhenFull::pause`).
  waiting,     ///< The system had no resources for an accept: a retry is armed.
  shedding,    ///< The handle limit is reached: who knocks is refused.
  rebuilding,  ///< It was lost, and is being made anew.
  closing,     ///< A drain.
};

/// The enumerator's name.
IOCPP_EXPORT std::string_view to_string(AcceptState state) noexcept;

/// Clients whose connection is established and who wait to be accepted, and how many there may be.
struct AcceptQueue {
  std::uint32_t depth = 0;  ///< Who waits.
  std::uint32_t most = 0;   ///< How many may: the backlog, as the system has capped it.
};

/// Of the whole network namespace, other programs' listeners included, since it began (/proc/net/netstat).
struct AcceptDrops {
  std::uint64_t overflows = 0;  ///< ListenOverflows: an accept queue was full.
  std::uint64_t drops = 0;      ///< ListenDrops: those, and what was dropped for other reasons.
};

/// One listening socket.
struct ListenerHealth {
  std::size_t listener = 0;                 ///< As in `Server::address`.
  unsigned shard = 0;                       ///< Whose socket it is; the number of shards: the accepting thread's.
  AcceptState state = AcceptState::closed;  ///< What it is doing.
  std::uint32_t accepts_in_flight = 0;      ///< Accepts, or polls of the listener, that the system holds.
  std::uint64_t accepted = 0;               ///< Clients that the system handed over, whatever became of them.
  std::optional<std::chrono::nanoseconds> since_last_accept{};  ///< Nothing: there was none.
  std::optional<AcceptQueue> queue{};                           ///< Linux.
  bool stalled = false;                                         ///< As `AcceptHealth::accept_stalled`, of this one.
};

/// What `Server::accept_health` tells.
struct AcceptHealth {
  /// Some listener is stalled: the loop that accepts for it has been in one turn for `stalled_after` (a callback that
  /// does not return), or clients have waited in its queue that long, as this server's calls of `accept_health` saw it,
  /// while nobody was accepted and no limit paused it. So ask at least that often.
  bool accept_stalled = false;
  std::chrono::nanoseconds longest_turn{0};  ///< Of the loops that accept: how long the turn that runs has lasted.
  std::vector<ListenerHealth> listeners{};   ///< Each listening socket.
  std::optional<AcceptDrops> drops{};        ///< Linux.
};

}  // namespace iocpp

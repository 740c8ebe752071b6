// Who may come in: limits that hold before a connection costs anything but its accept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <iocpp/export.hpp>

namespace iocpp {

/// What becomes of clients for whom a limit of the whole server has no room (`connections_max`, `accepts_per_second`).
enum class WhenFull : std::uint8_t {
  pause,  ///< Nobody is refused: nothing is accepted until there is room, and clients wait in the listener's backlog.
          ///< The limits may be passed by the accepts in flight (`Options::accepts_in_flight` a listener), no more.
  close,  ///< Accepted and closed: the client sees the end of a stream.
  reset,  ///< Accepted and reset: the client sees an error, and the system keeps nothing of it (no TIME_WAIT).
};

/// `pause`, `close`, `reset`.
IOCPP_EXPORT std::string_view to_string(WhenFull when_full) noexcept;

/// Why an accepted client did not become a connection.
enum class Refusal : std::uint8_t {
  connections_max,
  connections_per_address,
  accepts_per_second,
  accepts_per_second_per_address,
  left,              ///< Its address was asked for, and it had none any more: it had left.
  out_of_resources,  ///< The system or memory had no room for it.
  untrusted_peer,    ///< None of the proxies that `ProxyProtocol::trusted` names.
};
/// How many there are: the length of `Counters::refused_for`.
inline constexpr std::size_t refusals = static_cast<std::size_t>(Refusal::untrusted_peer) + 1;

/// The enumerator's name.
IOCPP_EXPORT std::string_view to_string(Refusal refusal) noexcept;

/// Counted over all shards and listeners, before anything is allocated for a client. 0: no limit, unless it says
/// otherwise. What they do and cost: docs/LIMITS.md.
struct Limits {
  /// Open connections. 0: half of the process's handle limit, so that files and outgoing connections have the rest.
  std::size_t connections_max = 0;

  /// Accepts a second, on average, and how many may come at once after a quiet time. A burst of 0: a second's worth;
  /// any other needs its rate. Up to 1,000,000.
  std::uint32_t accepts_per_second = 0;
  std::uint32_t accepts_burst = 0;  ///< At once.

  /// What becomes of those for whom there is no room.
  WhenFull when_full = WhenFull::reset;

  /// The same for each address. Who is over them is refused: closed where `when_full` says so, reset otherwise, since a
  /// paused listener would punish the others. With one of them on, each client's address is asked for (a system call).
  /// Fewer than 16,777,216 connections.
  std::uint32_t connections_per_address = 0;
  std::uint32_t accepts_per_second_per_address = 0;  ///< On average.
  std::uint32_t accepts_burst_per_address = 0;       ///< At once.

  /// What counts as one address: so many bits of it. An IPv6 customer has a /64 at least (RFC 6177), all of it at will.
  unsigned ipv4_prefix = 32;  ///< 1 to 32.
  unsigned ipv6_prefix = 64;  ///< Of an IPv6 address: 1 to 128.

  /// The rules for addresses are for clients from this machine (127.0.0.0/8, ::1) too. What a proxy names such an
  /// address is a client of the proxy's machine.
  bool loopback_too = false;

  /// How many addresses are remembered, 1,024 to 16,777,216, rounded up to a power of two: 16 bytes each, allocated at
  /// start where a rule for addresses is on. For one more, the one of its set of eight that has no open connection and
  /// was quiet for the longest is forgotten; where all eight have connections the newcomer is let in and not counted
  /// (`Counters::addresses_untracked`): `connections_max` stops who has that many.
  std::size_t addresses_max = 65'536;
};

}  // namespace iocpp

// What a server can be told. Every option has a default that is right for most servers; sizes are in bytes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <iocpp/deadlines.hpp>
#include <iocpp/export.hpp>
#include <iocpp/limits.hpp>
#include <iocpp/proxy_protocol.hpp>

namespace iocpp {

class Handler;

/// Which of the system's completion mechanisms to use.
enum class Backend : std::uint8_t {
  automatic,  ///< The best one that works here, found out when the server is made.
  io_uring,   ///< Linux 5.19 and later, where it is not barred.
  epoll,      ///< Every Linux.
  iocp,       ///< Windows: I/O completion ports.
};

/// `automatic`, `io_uring`, ...
IOCPP_EXPORT std::string_view to_string(Backend backend) noexcept;

/// One address to listen on.
struct Listen {
  std::string host{};  ///< A numeric IPv4 or IPv6 address, or "localhost". Empty: every address, IPv6 and IPv4
                       ///< (dual-stack). "unix:/path" or "unix:@name": a Unix socket (docs/PROXY.md). It has no port,
                       ///< and several shards imply the accepting thread, since it can't be shared.
  std::uint16_t port = 0;            ///< 0: the system picks a free one; `Server::address` tells.
  bool ipv6_only = false;            ///< For an IPv6 address: refuse IPv4 clients. By default "::" takes both.
  unsigned unix_permissions = 0600;  ///< Of a Unix socket's file: who may connect. By default this user alone.
  bool proxy_protocol = true;        ///< Where `Options::proxy_protocol` is on: this listener has it.
  Handler* handler = nullptr;  ///< Serves this listener's connections in place of the server's handler. Only with one
                               ///< shard; must outlive the server.
  /// Sockets that listen already, of systemd (`listeners_from_systemd`) or of a parent process: TCP, all of one
  /// address, in place of `host`, `port` and `ipv6_only`. They are the server's once it is made, and stay the caller's
  /// where its constructor throws. Fewer of them than shards imply `Options::accept_thread`. Not on Windows.
  std::vector<std::intptr_t> inherited{};
  std::string name{};  ///< For you: the server does not use it. `listeners_from_systemd` sets it.
};

/// All that a server can be told. Out of its range, the constructor of `Server` throws, and its text names the option.
struct Options {
  std::uint16_t port = 0;        ///< The port of the one listener, unless `listen` names others. 0: a free one.
  std::string host{};            ///< Its address; see `Listen::host`. Empty: every address, IPv6 and IPv4.
  std::vector<Listen> listen{};  ///< Several listeners, 1,000 at most. When not empty, leave `port` and `host` alone.

  /// Threads that serve connections, 1 to 255. 0: one with `Server(Options, Handler&)`, one a core with a
  /// `HandlerFactory`.
  unsigned shards = 0;
  /// Forces one. The constructor throws where it can't be had.
  Backend backend = Backend::automatic;

  /// One listening socket and a thread that only accepts, placing each connection on the shard with the fewest.
  /// Default: each shard has a listening socket of its own (SO_REUSEPORT), which saves handing connections across
  /// threads (25 us each, measured). Where the system has no such sockets (Windows), several shards imply the thread.
  bool accept_thread = false;

  int backlog = 4096;                  ///< Clients that may wait to be accepted: at least 1; the system caps it (Linux:
                                       ///< net.core.somaxconn, which is 4,096 since 5.4: more would be cut).
  std::size_t accepts_in_flight = 16;  ///< Accepts posted at once where the system has no multishot accept, for those
                                       ///< who come within one turn; each holds a socket on Windows. 1 to 1,024.
  ProxyProtocol proxy_protocol{};      ///< Proxies in front that tell of their clients (HAProxy's send-proxy). Off.
  Limits limits{};                     ///< Who may come in: connections in all and by address, accepts a second.

  bool tcp_nodelay = true;                ///< Send small messages at once (TCP_NODELAY, RFC 896's delay off).
  std::chrono::seconds keepalive{0};      ///< Idle time before the system probes the peer (SO_KEEPALIVE), up to 32,767
                                          ///< s. 0: off; `Deadlines` end whom nobody hears of, and sooner.
  std::size_t socket_receive_buffer = 0;  ///< SO_RCVBUF, up to 1 GiB. 0: the system's own tuning, best left alone.
  std::size_t socket_send_buffer = 0;     ///< SO_SNDBUF, up to 1 GiB. 0: the system's own tuning.

  std::size_t receive_ring_bytes =
      2U << 20;  ///< Receive buffers that a shard's connections share, at start. 64 KiB to 1 GiB. 2 MiB, eight of
                 ///< io_uring's incremental buffers: the best single size that was measured (docs/ARCHITECTURE.md).
  std::size_t receive_ring_bytes_max =
      16U << 20;  ///< They grow up to this when they run out. From `receive_ring_bytes` to 1 GiB. (io_uring before
                  ///< Linux 6.12: to 256 MiB at most. Windows: they need not, since bytes are fetched when there is
                  ///< room. epoll: twice, but one of the two is as a rule never touched.)

  /// Windows: with how large a buffer of its own each connection waits for bytes, up to 64 KiB. That saves a call a
  /// message, and costs this memory a connection, locked by the system. 0, or where there is no memory: with none.
  std::size_t posted_receive_bytes = 0;

  std::size_t send_queue_bytes_high = 1U << 20;   ///< Above: `above_high_watermark`, and receiving pauses (see below).
                                                  ///< Below `send_queue_bytes_max`. 1 MiB keeps a line of 1 Gbit/s
                                                  ///< busy for 8 ms.
  std::size_t send_queue_bytes_low = 256U << 10;  ///< At or below again: `on_writable`, and receiving resumes. A
                                                  ///< quarter: refilled in time, and not for each acknowledgement.
  std::size_t send_queue_bytes_max =
      64U << 20;  ///< A send that would pass this ends the connection with `send_overflow`. Far above the watermark, so
                  ///< that only a handler meets it which goes on above that.
  bool pause_receive_above_high =
      true;  ///< A peer that does not read is not read from: bounds a connection's memory by itself.

  /// For the queues of all connections of all shards together: the memory that they hold, so a byte counts as its block
  /// of 2 KiB, a vector with its capacity, and bytes that are shared once for each connection. A send that would pass
  /// it ends its connection with `send_overflow`, and is counted (`Counters::send_total_overflows`). Shards take room
  /// from it in portions, so up to an eighth may be left. At least `send_queue_bytes_max`; 0: none, since what is much
  /// depends on the machine.
  std::size_t send_queue_bytes_max_total = 0;

  Deadlines deadlines{};  ///< What ends connections that are silent, or too slow.

  std::chrono::milliseconds linger_timeout{
      5000};  ///< For `close`: when for this long nothing of what is queued could be sent, the rest is cut off; and so
              ///< long the peer's end is awaited after that. 1 ms to a year. (Windows says no sooner than after 512
              ///< KiB that they have left: a peer slower than that in this time is cut off.) 5 s: TCP sends a lost
              ///< segment again four times in it.
  std::size_t linger_bytes_max =
      1U << 20;  ///< For `close`: input discarded while what is queued leaves (beyond: no more is read), and again
                 ///< while the peer's end is awaited (beyond: reset). Below 4 GiB. 1 MiB: what may be on its way.
  std::chrono::milliseconds drain_timeout{
      10000};  ///< For `run`: how long a signal's drain may take before the rest is reset. 10 s: less than supervisors
               ///< wait before they kill (systemd 90 s, Kubernetes 30 s).

  /// A path of the file system, at which the server gives its listening sockets to its successor: a server that is made
  /// with the same path and addresses, of the same user. Who is there already is taken over from: it goes on until the
  /// new one has started, then drains with its own `drain_timeout`; no client is lost (docs/DRAIN.md). Empty: none. Not
  /// on Windows, and not where it listens on a Unix socket.
  std::string hand_over_path{};

  std::size_t mailbox_bytes_max = 64U << 20;  ///< Bytes of `Server::send` on their way to a shard, 1 or more; or one
                                              ///< message that is larger: it is taken while the mailbox is empty. Full:
                                              ///< `errc::would_block`. As much as one connection may queue.

  /// Called on each shard's thread before it serves: name it, pin it. With `accept_thread` also on that thread, with
  /// the number of shards as its number. An exception makes `start` fail with it.
  std::function<void(unsigned shard)> on_thread_start{};

  /// For peers that mean well: the defaults, by name. No deadline, no cap for the whole server, no limit but that of
  /// connections.
  IOCPP_EXPORT static Options trusted_network();
  /// For a port that anybody can reach: nobody holds a handle or memory for longer than useful, and no address has more
  /// than a share of the server. Deadlines as `Deadlines` has them, `Limits` for addresses and a rate for all, and
  /// tighter queues: watermarks of 256 and 64 KiB, 4 MiB a connection, 256 MiB in all. The rate is 20,000 accepts a
  /// second for the whole server, whatever its cores: raise `limits.accepts_per_second` on a larger machine, since
  /// clients beyond it are reset.
  IOCPP_EXPORT static Options public_internet();
};

}  // namespace iocpp

// The seam to the system: one non-blocking socket of the client, and a poller for many. Nothing else in this folder
// but server_processes_*.cpp knows a system header.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "program/host_port.hpp"
#include "stress/clock.hpp"

namespace stress {

/// What the system answered, in the words of this client.
enum class Outcome : std::uint8_t {
  done,
  again,          ///< Not now: the poller reports the socket when it is time.
  ended,          ///< The peer ended its stream.
  refused,        ///< Nobody listens there.
  reset,          ///< The peer reset the connection.
  timed_out,      ///< The system gave up.
  no_local_port,  ///< Every port of this source address is taken.
  no_handles,     ///< The limit of open handles is reached, or memory.
  failed,         ///< Anything else.
};

struct Transfer {
  Outcome outcome = Outcome::done;
  std::size_t bytes = 0;
};

/// A native socket address, as bytes. Any thread.
struct SocketAddress {
  std::array<std::byte, 28> bytes{};
  std::uint32_t size = 0;
};

/// The native form of a numeric host, or of `localhost` (127.0.0.1). Nothing when the host is neither.
std::optional<SocketAddress> resolve(const program::HostPort& target);

/// The `index`th of many source addresses from which `target` can be reached: 127.0.0.1 + index (up to 250) for an IPv4
/// loopback target; nothing for others, where the system chooses.
std::optional<SocketAddress> loopback_source(const SocketAddress& target, unsigned index);

/// A non-blocking TCP socket; closed by its destructor. One thread at a time.
class Socket {
 public:
  Socket() noexcept = default;
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  bool is_open() const noexcept { return handle_ != none; }

  /// Makes the socket for a target of this family.
  Outcome open(const SocketAddress& target);

  /// Sends from this address. The port is chosen at `connect`, when the target is known: so a port serves many targets
  /// and sources.
  Outcome bind(const SocketAddress& source);

  /// Starts to connect; called again, asks how it goes: `done` from the moment the system calls the connection
  /// established (also when the peer has ended it since), `reset` when it was established and is reset already, `again`
  /// while it is on its way.
  Outcome connect(const SocketAddress& target);

  /// Small messages leave at once.
  void set_no_delay() noexcept;
  /// The system keeps as little as it can of what is not received; best before anything arrives.
  void keep_little_received() noexcept;

  Transfer send(std::span<const std::byte> bytes) noexcept;
  Transfer receive(std::span<std::byte> space) noexcept;

  /// Ends our side of the stream.
  void shutdown_send() noexcept;
  /// Closes; the poller forgets the socket.
  void close() noexcept;
  /// Closes with a reset instead of an orderly end.
  void reset() noexcept;

 private:
  friend class Poller;
  static constexpr std::intptr_t none = -1;
  std::intptr_t handle_ = none;
  /// `connect` was called (Windows, where it cannot be called twice).
  [[maybe_unused]] bool connecting_ = false;
};

struct PollEvent {
  std::uint64_t key = 0;
  bool ended = false;  ///< The peer's end or a reset is waiting behind what can be read: read until it comes.
};

/// Reports sockets whose readiness has changed. It reports each change once: after a report (or after `add`), use the
/// socket until it answers `again`, or until it gave fewer bytes than it was asked for.
class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  /// Throws `std::system_error` where the system has no memory for it.
  void add(const Socket& socket, std::uint64_t key);

  /// Waits for at most `timeout`. The events are valid until the next call.
  std::span<const PollEvent> wait(Duration timeout);

 private:
  std::intptr_t handle_;
  std::vector<PollEvent> events_;
};

/// Makes this thread's timed waits end on time; by default Linux may add 50 us to each, and Windows 15 ms.
void wait_precisely() noexcept;

}  // namespace stress

// The calls on sockets and handles that the simulated systems of Linux have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/clock.hpp"
#include "iocpp/address.hpp"
#include "simulator/machine.hpp"

namespace iocpp::simulator {

/// Functions that return int answer a negative errno or the call's result, as posix::Handles.
class PosixCalls {
 public:
  PosixCalls(Machine& machine, unsigned loop) noexcept : machine_{machine}, loop_{loop} {}

  int open_reserve();
  int clients_waiting(int listener);
  int close_into_reserve(int handle);
  void end_stream(int socket);
  void reset_on_close(int socket);
  void close_now(int handle);
  TimePoint now() const noexcept { return machine_.now(); }
  void pause() noexcept { machine_.schedule.spend(std::chrono::milliseconds{1}); }
  int accept_now(int listener);
  static int peer_name(int socket, Address& address) noexcept;

 protected:
  /// The outcome of receiving from a stream now: bytes, 0 for its end, a negative errno.
  int receive_from(Link& link, std::byte* to, std::size_t most);
  int send_to(std::uint32_t link, std::span<const std::byte> bytes);
  static bool has_input(const Link& link) noexcept {
    return link.to_server.arrived != 0 || link.to_server.drained() || link.reset_at_server;
  }
  /// accept(2) on a listener with or without clients: a handle or a negative errno. `may_lose_it`: the listener itself
  /// may be what fails. Not of accepts that only refuse a client or empty a backlog: foreign code that closes the
  /// listener between two of those leaves no call that could tell whose number it is now.
  int accept_from(std::uint32_t listener, bool may_lose_it);
  /// The same, of a handle.
  int accept_from_handle(int listener, bool may_lose_it);

  Machine& machine_;
  unsigned loop_;

 private:
  void fail_accept(std::uint32_t listener, int error);
  std::size_t shortened(std::size_t whole, Site site);
};

}  // namespace iocpp::simulator

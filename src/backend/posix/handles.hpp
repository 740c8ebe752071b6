// The calls on sockets and handles that the ports of Linux have in common, one line each.
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/native_handle.hpp"
#include "iocpp/connection.hpp"

namespace iocpp::posix {

/// Part of both `Sys`: no decisions. Functions that return int answer a negative errno or the call's result.
class Handles {
 public:
  int open_reserve() noexcept;
  int clients_waiting(int listener) noexcept;  ///< 0: none.
  void end_stream(int socket) noexcept;
  void reset_on_close(int socket) noexcept;
  void close_now(int handle) noexcept;
  TimePoint now() const noexcept;
  void pause() noexcept;  ///< 1 ms
  static int peer_name(int socket, Address& address) noexcept;
};

/// 0, or errno.
int peer_credentials(NativeHandle socket, PeerCredentials& credentials) noexcept;

/// Wakes a thread that waits for its descriptor to become readable (eventfd(2)).
class Doorbell {
 public:
  Doorbell();  // throws std::system_error when there is no handle for it
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  int descriptor() const noexcept { return descriptor_; }
  /// Closes `handle`; in the same call, its number becomes one more descriptor of the doorbell.
  int close_into_copy(int handle) noexcept;
  /// Any thread, and signal handlers.
  void ring() noexcept;

 private:
  int descriptor_;
};

}  // namespace iocpp::posix

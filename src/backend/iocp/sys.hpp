// The completion port's and the sockets' system calls, one line each: the seam at which tests and the simulator put
// another kernel. Windows only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "backend/iocp/kernel.hpp"
#include "base/clock.hpp"
#include "base/native_handle.hpp"
#include "iocpp/address.hpp"

namespace iocpp::iocp {

/// Every decision is in `Port`; here is none. Functions that return int answer the call's error, 0 for success. One
/// thread, but `post_wake`.
class Sys {
 public:
  Sys();  // throws std::system_error when the system makes no port
  /// The port is closed here and not before, so that a late wake has a port to go to and not somebody else's handle.
  ~Sys();
  Sys(const Sys&) = delete;
  Sys& operator=(const Sys&) = delete;

  // The port.
  int associate(NativeHandle socket) noexcept;
  int wait(std::span<kernel::Entry> entries, std::uint32_t& count, std::uint32_t milliseconds) noexcept;
  int post_wake() noexcept;
  /// Each TCP provider's sockets are handles of the system (XP1_IFS_HANDLES).
  bool provider_has_system_handles() const noexcept;
  int skip_packet_on_success(NativeHandle socket) noexcept;
  static int error_of(const kernel::Overlapped& ended) noexcept;

  // Accepting.
  int family_of(NativeHandle listener, int& family) noexcept;
  int find_accept(NativeHandle listener) noexcept;
  NativeHandle make_socket(int family, int& error) noexcept;
  int accept(NativeHandle listener, NativeHandle socket, std::byte* addresses, kernel::Overlapped& overlapped) noexcept;
  int update_accept_context(NativeHandle socket, NativeHandle listener) noexcept;
  NativeHandle accept_now(NativeHandle listener, int& error) noexcept;

  // Transfers. `received` and `sent` may be null; an empty `room` waits for something to be there.
  int receive(NativeHandle socket, std::span<std::byte> room, std::uint32_t* received,
              kernel::Overlapped& overlapped) noexcept;
  int receive_now(NativeHandle socket, std::span<std::byte> room, std::uint32_t& received) noexcept;
  int send(NativeHandle socket, std::span<const kernel::Buffer> buffers, std::uint32_t* sent,
           kernel::Overlapped& overlapped) noexcept;
  /// One operation, or with null all of this process on the handle.
  int cancel(NativeHandle socket, kernel::Overlapped* overlapped) noexcept;

  // At once.
  int set_nonblocking(NativeHandle socket) noexcept;
  int set_nodelay(NativeHandle socket) noexcept;
  int set_keepalive(NativeHandle socket, std::uint32_t idle_seconds) noexcept;
  int set_receive_buffer(NativeHandle socket, int bytes) noexcept;
  int set_send_buffer(NativeHandle socket, int bytes) noexcept;
  void end_stream(NativeHandle socket) noexcept;
  void reset_on_close(NativeHandle socket) noexcept;
  void close_now(NativeHandle socket) noexcept;
  TimePoint now() const noexcept;
  void pause() noexcept;  ///< 1 ms
  static int peer_name(NativeHandle socket, Address& address) noexcept;

 private:
  void* port_ = nullptr;
  void (*accept_)() = nullptr;  ///< AcceptEx, as the provider has it.
};

}  // namespace iocpp::iocp

// Sockets in the words of both systems, for the clients and listeners of tests: what one of them lacks or calls
// otherwise.
#pragma once

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#endif

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>
#include <utility>

namespace iocpp::tests {

#ifdef _WIN32
using SocketHandle = SOCKET;
using PollEntry = WSAPOLLFD;
inline constexpr SocketHandle no_socket = INVALID_SOCKET;
inline constexpr int shut_send = SD_SEND;
inline constexpr int send_flags = 0;
inline constexpr int error_in_progress = WSAEWOULDBLOCK, error_would_block = WSAEWOULDBLOCK,
                     error_timed_out = WSAETIMEDOUT, error_reset = WSAECONNRESET, error_interrupted = WSAEINTR;

inline int socket_error() noexcept {
  return ::WSAGetLastError();
}
inline void close_socket(SocketHandle socket) noexcept {
  ::closesocket(socket);
}
inline int poll_sockets(PollEntry* entries, std::size_t count, int timeout_ms) noexcept {
  return ::WSAPoll(entries, static_cast<ULONG>(count), timeout_ms);
}

/// A TCP socket that child processes do not inherit; no_socket and `socket_error`.
inline SocketHandle open_socket(int family) noexcept {
  static const int started = [] {
    WSADATA about{};
    return ::WSAStartup(MAKEWORD(2, 2), &about);
  }();
  if (started != 0) return no_socket;
  return ::WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}
inline void set_non_blocking(SocketHandle socket) noexcept {
  u_long on = 1;
  ::ioctlsocket(socket, static_cast<long>(FIONBIO), &on);
}
inline bool is_inherited(SocketHandle socket) noexcept {
  DWORD flags = 0;
  return ::GetHandleInformation(reinterpret_cast<HANDLE>(socket), &flags) == 0 || (flags & HANDLE_FLAG_INHERIT) != 0;
}

/// SIO_KEEPALIVE_VALS sets the keepalive's idle time, and nothing tells it.
inline constexpr bool keepalive_idle_told = false;
inline int keepalive_idle_of(SocketHandle) noexcept {
  return 0;
}
inline constexpr int buffers_grow_by = 1;
#else
using SocketHandle = int;
using PollEntry = pollfd;
inline constexpr SocketHandle no_socket = -1;
inline constexpr int shut_send = SHUT_WR;
inline constexpr int send_flags = MSG_NOSIGNAL;
/// The error of a receive whose time is over is the one of a receive that would block.
inline constexpr int error_in_progress = EINPROGRESS, error_would_block = EAGAIN, error_timed_out = EAGAIN,
                     error_reset = ECONNRESET, error_interrupted = EINTR;

inline int socket_error() noexcept {
  return errno;
}
inline void close_socket(SocketHandle socket) noexcept {
  ::close(socket);
}
inline int poll_sockets(PollEntry* entries, std::size_t count, int timeout_ms) noexcept {
  return ::poll(entries, count, timeout_ms);
}

inline SocketHandle open_socket(int family) noexcept {
  return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
}
inline void set_non_blocking(SocketHandle socket) noexcept {
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
}
inline bool is_inherited(SocketHandle socket) noexcept {
  return (::fcntl(socket, F_GETFD) & FD_CLOEXEC) == 0;
}

inline constexpr bool keepalive_idle_told = true;
inline int keepalive_idle_of(SocketHandle socket) noexcept {
  int value = 0;
  socklen_t length = sizeof value;
  ::getsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &value, &length);
  return value;
}

inline constexpr int buffers_grow_by = 2;  // socket(7)
#endif

inline std::string socket_error_text() {
  return std::system_category().message(socket_error()) + " (" + std::to_string(socket_error()) + ")";
}

/// Bytes taken, or -1 and `socket_error`.
inline std::ptrdiff_t send_bytes(SocketHandle socket, const char* bytes, std::size_t size) noexcept {
#ifdef _WIN32
  return ::send(socket, bytes, static_cast<int>(size), send_flags);
#else
  return ::send(socket, bytes, size, send_flags);
#endif
}

/// Bytes received, 0 at the end of the stream, or -1 and `socket_error`.
inline std::ptrdiff_t receive_bytes(SocketHandle socket, char* bytes, std::size_t size) noexcept {
#ifdef _WIN32
  return ::recv(socket, bytes, static_cast<int>(size), 0);
#else
  return ::recv(socket, bytes, size, 0);
#endif
}

template <class Value>
void set_option(SocketHandle socket, int level, int name, const Value& value) noexcept {
  ::setsockopt(socket, level, name, reinterpret_cast<const char*>(&value), sizeof value);
}

/// The value of an option that is a number or a flag, of which Wine may write one byte only.
inline int get_option(SocketHandle socket, int level, int name) noexcept {
  int value = 0;
  socklen_t length = sizeof value;
  ::getsockopt(socket, level, name, reinterpret_cast<char*>(&value), &length);
  return value;
}

/// Bounds each later send and receive.
inline void set_time_limit(SocketHandle socket, std::chrono::seconds limit) noexcept {
#ifdef _WIN32
  const auto bound = static_cast<DWORD>(std::chrono::milliseconds{limit}.count());
#else
  const timeval bound{.tv_sec = limit.count(), .tv_usec = 0};
#endif
  set_option(socket, SOL_SOCKET, SO_RCVTIMEO, bound);
  set_option(socket, SOL_SOCKET, SO_SNDTIMEO, bound);
}

/// The next close resets.
inline void reset_at_close(SocketHandle socket) noexcept {
  linger at_once{};
  at_once.l_onoff = 1;
  set_option(socket, SOL_SOCKET, SO_LINGER, at_once);
}

/// Owns a socket.
class Descriptor {
 public:
  explicit Descriptor(SocketHandle socket = no_socket) noexcept : socket_{socket} {}
  Descriptor(Descriptor&& other) noexcept : socket_{other.release()} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(socket_, other.socket_);
    return *this;
  }
  ~Descriptor() { close(); }

  SocketHandle get() const noexcept { return socket_; }
  bool is_open() const noexcept { return socket_ != no_socket; }
  SocketHandle release() noexcept { return std::exchange(socket_, no_socket); }
  void close() noexcept {
    if (is_open()) close_socket(release());
  }

 private:
  SocketHandle socket_;
};

}  // namespace iocpp::tests

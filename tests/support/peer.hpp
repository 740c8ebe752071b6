// The other end of a connection, and a listener, on plain blocking sockets: what tests of backends and servers talk
// with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "support/socket_api.hpp"

namespace iocpp::tests {

inline sockaddr_in loopback(std::uint16_t port) noexcept {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

/// A listening socket on 127.0.0.1; port 0: a free one.
inline Descriptor listen_on_loopback(std::uint16_t port = 0, int backlog = 4096) {
  Descriptor socket{open_socket(AF_INET)};
#ifndef _WIN32  // where it would let another process take the port
  set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
#endif
  const sockaddr_in address = loopback(port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    throw std::runtime_error("can't listen on loopback: " + socket_error_text());
  }
  return socket;
}

inline std::uint16_t port_of(SocketHandle socket) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

/// A client. Blocking, with a bound of 20 s on everything, so that a test that has failed ends.
class Peer {
 public:
  explicit Peer(std::uint16_t port) : socket_{open_socket(AF_INET)} {
    set_time_limit(socket_.get(), std::chrono::seconds{20});
    const sockaddr_in address = loopback(port);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        !connected_after_interrupt()) {
      throw std::runtime_error("can't connect: " + socket_error_text());
    }
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::ptrdiff_t sent = send_bytes(socket_.get(), bytes.data(), bytes.size());
      if (sent < 0 && socket_error() == error_interrupted) continue;
      if (sent <= 0) throw std::runtime_error("can't send: " + socket_error_text());
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// `size` bytes, or fewer where the stream ends first.
  std::string receive(std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t filled = 0;
    while (filled < size) {
      const std::ptrdiff_t received = receive_bytes(socket_.get(), bytes.data() + filled, size - filled);
      if (received < 0 && socket_error() == error_interrupted) continue;
      if (received <= 0) break;
      filled += static_cast<std::size_t>(received);
    }
    bytes.resize(filled);
    return bytes;
  }

  /// How the stream ends: 0 in order, or the system's error. Discards what comes before.
  int end() {
    char bytes[4096];
    std::ptrdiff_t received = 0;
    while ((received = receive_bytes(socket_.get(), bytes, sizeof bytes)) > 0 ||
           (received < 0 && socket_error() == error_interrupted)) {
    }
    return received == 0 ? 0 : socket_error();
  }

  void end_stream() { ::shutdown(socket_.get(), shut_send); }
  void close() { socket_.close(); }
  void reset() {
    reset_at_close(socket_.get());
    socket_.close();
  }
  SocketHandle descriptor() const noexcept { return socket_.get(); }

 private:
  /// A ring of the same thread without taskrun flags interrupts calls (EINTR); a connect goes on then, connect(2).
  bool connected_after_interrupt() {
    if (socket_error() != error_interrupted) return false;
    PollEntry writable{.fd = socket_.get(), .events = POLLOUT, .revents = 0};
    while (poll_sockets(&writable, 1, 20'000) < 0 && socket_error() == error_interrupted) {
    }
    return get_option(socket_.get(), SOL_SOCKET, SO_ERROR) == 0;
  }

  Descriptor socket_;
};

}  // namespace iocpp::tests

// The other end of a connection, and a listener, on plain blocking sockets: what tests of backends and servers talk
// with.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace iocpp::tests {

/// Owns a descriptor.
class Descriptor {
 public:
  explicit Descriptor(int descriptor = -1) noexcept : descriptor_{descriptor} {}
  Descriptor(Descriptor&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Descriptor() { close(); }

  int get() const noexcept { return descriptor_; }
  int release() noexcept { return std::exchange(descriptor_, -1); }
  void close() noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_;
};

inline sockaddr_in loopback(std::uint16_t port) noexcept {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

/// A listening socket on 127.0.0.1; port 0: a free one.
inline Descriptor listen_on_loopback(std::uint16_t port = 0, int backlog = 4096) {
  Descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    throw std::runtime_error("can't listen on loopback: errno " + std::to_string(errno));
  }
  return socket;
}

inline std::uint16_t port_of(int socket) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

/// A client. Blocking, with a bound of 20 s on everything, so that a test that has failed ends.
class Peer {
 public:
  explicit Peer(std::uint16_t port) : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    const timeval bound{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
    const sockaddr_in address = loopback(port);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        !connected_after_interrupt()) {
      throw std::runtime_error("can't connect: errno " + std::to_string(errno));
    }
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) throw std::runtime_error("can't send: errno " + std::to_string(errno));
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// `size` bytes, or fewer where the stream ends first.
  std::string receive(std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t filled = 0;
    while (filled < size) {
      const ssize_t received = ::recv(socket_.get(), bytes.data() + filled, size - filled, 0);
      if (received < 0 && errno == EINTR) continue;
      if (received <= 0) break;
      filled += static_cast<std::size_t>(received);
    }
    bytes.resize(filled);
    return bytes;
  }

  /// How the stream ends: 0 in order, or the errno. Discards what comes before.
  int end() {
    char bytes[4096];
    ssize_t received = 0;
    while ((received = ::recv(socket_.get(), bytes, sizeof bytes, 0)) > 0 || (received < 0 && errno == EINTR)) {
    }
    return received == 0 ? 0 : errno;
  }

  void end_stream() { ::shutdown(socket_.get(), SHUT_WR); }
  void close() { socket_.close(); }
  void reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_.close();
  }
  int descriptor() const noexcept { return socket_.get(); }

 private:
  /// A ring of the same thread without taskrun flags interrupts calls (EINTR); a connect goes on then, connect(2).
  bool connected_after_interrupt() {
    if (errno != EINTR) return false;
    pollfd writable{.fd = socket_.get(), .events = POLLOUT, .revents = 0};
    while (::poll(&writable, 1, 20'000) < 0 && errno == EINTR) {
    }
    int error = 0;
    socklen_t length = sizeof error;
    return ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
  }

  Descriptor socket_;
};

}  // namespace iocpp::tests

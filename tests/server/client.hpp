// A client of the tests of whole servers: a plain blocking socket, IPv4 or IPv6, that says how the server left it.
#pragma once

#ifndef _WIN32
#include <linux/sockios.h>
#include <sys/ioctl.h>
#endif

#include <array>
#include <cstring>
#include <ostream>
#include <random>

#include "server/eventually.hpp"
#include "support/peer.hpp"
#include "support/resets.hpp"

namespace iocpp::tests {

/// How a client saw its connection end.
enum class Ending : std::uint8_t {
  in_order,  ///< End of stream.
  reset,
  silent,  ///< Not at all, for 20 s: always a failure.
};

inline std::ostream& operator<<(std::ostream& out, Ending ending) {
  constexpr std::array<const char*, 3> names{"in order", "reset", "silent"};
  return out << names[static_cast<std::size_t>(ending)];
}

/// A reset, or what the system makes of one.
inline bool is_reset(Ending ending) {
  return ending == Ending::reset || (ending == Ending::in_order && !resets_are_told());
}

/// Repeatable bytes without a period that a buffer's size could hide.
inline std::string pattern(std::size_t size, std::uint32_t seed = 1) {
  std::minstd_rand random{seed};
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random() >> 8U);
  return bytes;
}

struct ClientOptions {
  std::string host = "127.0.0.1";
  int receive_buffer = 0;  ///< SO_RCVBUF; 0: the system's.
  int send_buffer = 0;
};

class Client {
 public:
  explicit Client(std::uint16_t port, const ClientOptions& options = {}) {
    const bool ipv6 = options.host.find(':') != std::string::npos;
    socket_ = Descriptor{open_socket(ipv6 ? AF_INET6 : AF_INET)};
    set_time_limit(socket_.get(), std::chrono::seconds{20});
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    if (options.receive_buffer != 0) set(SOL_SOCKET, SO_RCVBUF, options.receive_buffer);
    if (options.send_buffer != 0) set(SOL_SOCKET, SO_SNDBUF, options.send_buffer);
    const bool connected = ipv6 ? connect_ipv6(options.host, port) : connect_ipv4(options.host, port);
    // A server that resets at once may do so before connect returns: it was there all the same.
    if (!connected && socket_error() != error_reset)
      throw std::runtime_error("can't connect to " + options.host + ": " + socket_error_text());
  }

  /// All of it, or an exception.
  void send(std::string_view bytes) {
    if (send_until_refused(bytes) != bytes.size()) throw std::runtime_error("send: " + socket_error_text());
  }

  /// What was taken before the server reset the connection.
  std::size_t send_until_refused(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
      const std::ptrdiff_t sent = send_bytes(socket_.get(), bytes.data() + taken, bytes.size() - taken);
      if (sent <= 0) break;
      taken += static_cast<std::size_t>(sent);
    }
    return taken;
  }

  /// `size` bytes, or fewer where the connection ends first.
  std::string receive(std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t filled = 0;
    while (filled < size) {
      const std::ptrdiff_t received = receive_bytes(socket_.get(), bytes.data() + filled, size - filled);
      if (received <= 0) break;
      filled += static_cast<std::size_t>(received);
    }
    bytes.resize(filled);
    return bytes;
  }

  /// At most `size` bytes, as few as are there.
  std::string receive_some(std::size_t size) {
    std::string bytes(size, '\0');
    const std::ptrdiff_t received = receive_bytes(socket_.get(), bytes.data(), size);
    bytes.resize(received > 0 ? static_cast<std::size_t>(received) : 0);
    return bytes;
  }

  /// Reads to the end; what came before it is appended to `bytes`.
  Ending end(std::string* bytes = nullptr) {
    std::array<char, 65536> piece;
    for (;;) {
      const std::ptrdiff_t received = receive_bytes(socket_.get(), piece.data(), piece.size());
      if (received == 0) return Ending::in_order;
      if (received < 0) return socket_error() == error_timed_out ? Ending::silent : Ending::reset;
      if (bytes != nullptr) bytes->append(piece.data(), static_cast<std::size_t>(received));
    }
  }

  std::string echo(std::string_view bytes) {
    send(bytes);
    return receive(bytes.size());
  }

  /// Waits until the server's system has all that was sent.
  bool wait_until_delivered() {
#ifdef _WIN32
    return true;  // Winsock tells nobody; what was sent on loopback has arrived
#else
    return eventually([this] {
      int unsent = 0;
      return ::ioctl(socket_.get(), SIOCOUTQ, &unsent) == 0 && unsent == 0;
    });
#endif
  }

  void end_stream() {
    ::shutdown(socket_.get(), shut_send);
  }
  void close() {
    socket_.close();
  }
  void reset() {
    reset_at_close(socket_.get());
    socket_.close();
  }

  SocketHandle descriptor() const noexcept {
    return socket_.get();
  }

  /// As the server sees it.
  std::uint16_t port() const {
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&own), &length);
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, &own, sizeof ipv6);
    return ntohs(ipv6.sin6_port);  // where sockaddr_in has it too
  }

 private:
  template <class Value>
  void set(int level, int name, const Value& value) {
    set_option(socket_.get(), level, name, value);
  }

  bool connect_ipv4(const std::string& host, std::uint16_t port) {
    sockaddr_in address = loopback(port);
    ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    return ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  bool connect_ipv6(const std::string& host, std::uint16_t port) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    ::inet_pton(AF_INET6, host.c_str(), &address.sin6_addr);
    return ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  Descriptor socket_;
};

}  // namespace iocpp::tests

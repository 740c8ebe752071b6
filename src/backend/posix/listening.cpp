#include "backend/listening.hpp"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "backend/posix/descriptor.hpp"
#include "backend/posix/listening_socket.hpp"
#include "backend/posix/socket_address.hpp"
#include "backend/posix/unix_listening.hpp"
#include "iocpp/error.hpp"

namespace iocpp::backend {
namespace {

using posix::set;
using Socket = posix::Descriptor;

enum class Sharing : std::uint8_t {
  alone,         ///< The only socket on its address.
  first,         ///< The first of several: bound and listening alone, then open to the others.
  one_of_group,  ///< Joins a group.
};

/// A listening socket, or -1 and errno.
int open_listener(const Address& address, bool ipv6_only, const Options& options, Sharing sharing) noexcept {
  const int family = address.family == Address::Family::ipv4 ? AF_INET : AF_INET6;
  Socket socket{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (socket.get() < 0) return -1;
  sockaddr_storage native;
  const socklen_t length = posix::to_native(address, native);
  const bool ready =
      set(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1)  // bind while old connections are in TIME_WAIT, socket(7)
      && (family == AF_INET || set(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only ? 1 : 0)) &&
      posix::set_inherited(socket.get(), options) &&
      (sharing != Sharing::one_of_group || set(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1)) &&
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&native), length) == 0 &&
      ::listen(socket.get(), options.backlog) == 0 &&
      // Not before it listens: of two servers that have both bound the address (SO_REUSEADDR lets them), the second
      // one's listen() fails then.
      (sharing != Sharing::first || set(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1));
  if (ready) return socket.release();
  return -1;
}

std::string advice(int error) {
  switch (error) {
    case EADDRINUSE:
      return "somebody listens there, another process or this program itself, or a connection has this number as its "
             "own port (a client's, for a minute "
             "after its "
             "end): stop it, wait, or choose another port";
    case EADDRNOTAVAIL:
      return "not an address of this machine";
    case EACCES:
      return "not allowed; ports below 1024 need CAP_NET_BIND_SERVICE";
    default:
      return "can't listen";
  }
}

[[noreturn]] void fail(const Address& address, int error) {
  throw std::system_error(native_error(error), "listen on " + address.to_string() + ": " + advice(error));
}

/// "Every address" is `::` with IPv4 mapped in; where the system has no IPv6, 0.0.0.0.
Address any_address(std::uint16_t port) noexcept {
  Socket probe{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  return {.family = probe.get() >= 0 ? Address::Family::ipv6 : Address::Family::ipv4, .port = port};
}

Address resolve(const Listen& where) {
  if (where.host.empty()) return any_address(where.port);
  Address address{.port = where.port};
  if (!posix::parse_host(where.host.c_str(), address)) {
    throw std::system_error(make_error_code(errc::invalid_argument),
                            "Listen::host '" + where.host + "': not a numeric IPv4 or IPv6 address, nor localhost");
  }
  return address;
}

}  // namespace

Address address_of(const Listen& where) {
  return resolve(where);
}

void make_own(const ListeningSockets& sockets, const Options& options) {
  if (sockets.origin == Origin::made) return;
  for (const NativeHandle handle : sockets.handles) {
    const int socket = static_cast<int>(handle);
    bool done = posix::set_inherited(socket, options);
    if (sockets.origin == Origin::handed_over) {
      // What the predecessor has set; its backlog is taken by another listen(2).
      done = done && (options.keepalive.count() > 0 || set(socket, SOL_SOCKET, SO_KEEPALIVE, 0)) &&
             ::listen(socket, options.backlog) == 0;
    }
    if (!done) fail(sockets.address, errno);
  }
}

bool is_ipv6_only(NativeHandle handle) noexcept {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(static_cast<int>(handle), IPPROTO_IPV6, IPV6_V6ONLY, &value, &length) == 0 && value != 0;
}

bool is_same_socket(NativeHandle one, NativeHandle other) noexcept {
  struct stat first {};
  struct stat second {};
  return ::fstat(static_cast<int>(one), &first) == 0 && ::fstat(static_cast<int>(other), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

bool listens_on(NativeHandle handle, const Address& address) noexcept {
  const int socket = static_cast<int>(handle);
  Address there;
  return posix::listens(socket) && posix::local_name(socket, there) == 0 && there == address;
}

ListeningSockets listen_on(const Listen& where, const Options& options, std::size_t count) {
  if (is_unix(where)) return posix::listen_on_unix(where, options);
  ListeningSockets made{.address = resolve(where), .handles = {}};
  made.handles.reserve(count);
  while (made.handles.size() < count) {
    const bool first = made.handles.empty();
    const Sharing sharing = count == 1 ? Sharing::alone : first ? Sharing::first : Sharing::one_of_group;
    const int socket = open_listener(made.address, where.ipv6_only, options, sharing);
    if (socket < 0) {
      const int error = errno;
      for (const NativeHandle handle : made.handles) close_socket(handle);
      fail(made.address, error);
    }
    made.handles.push_back(socket);
    if (first) posix::local_name(socket, made.address);
  }
  return made;
}

NativeHandle listen_again(const Address& address, bool ipv6_only, const Options& options, bool shared,
                          int& error) noexcept {
  const int socket = open_listener(address, ipv6_only, options, shared ? Sharing::one_of_group : Sharing::alone);
  error = socket < 0 ? errno : 0;
  return socket < 0 ? no_handle : socket;
}

void close_socket(NativeHandle handle) noexcept {
  ::close(static_cast<int>(handle));
}

std::size_t handle_limit() noexcept {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<std::size_t>(limit.rlim_cur) : 1024;
}

}  // namespace iocpp::backend

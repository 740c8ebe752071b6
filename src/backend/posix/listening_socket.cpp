#include "backend/posix/listening_socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "backend/posix/descriptor.hpp"

namespace iocpp::posix {
namespace {

/// Negative: the handle is no socket, or does not know the option.
int option(int socket, int name) noexcept {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

}  // namespace

bool set_inherited(int socket, const Options& options) noexcept {
  bool done = set(socket, IPPROTO_TCP, TCP_NODELAY, options.tcp_nodelay ? 1 : 0);
  if (options.keepalive.count() > 0) {
    done = done && set(socket, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           set(socket, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(options.keepalive.count()));
  }
  return done && set_buffers(socket, options);
}

bool listens(int handle) noexcept {
  return option(handle, SO_ACCEPTCONN) == 1;
}

std::string fault_of_listener(int handle) {
  if (::fcntl(handle, F_GETFD) < 0) return "not open in this process";
  const int type = option(handle, SO_TYPE);
  if (type < 0) return "not a socket";
  const int family = option(handle, SO_DOMAIN);
  if (type != SOCK_STREAM || (family != AF_INET && family != AF_INET6))
    return "not a TCP socket (in a systemd unit: ListenStream= with a port)";
  if (!listens(handle)) return "not a listening socket (in a systemd unit: Accept=no, which hands over the listener)";
  return {};
}

}  // namespace iocpp::posix

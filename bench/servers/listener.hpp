// The listening socket of the servers that are written on the system's own calls.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "arguments.hpp"

namespace bench {

/// Ends the process with the system's text where `result` is negative: a server of the benchmarks has no one to tell.
inline int check(int result, const char* what) {
  if (result >= 0) return result;
  std::perror(what);
  std::exit(1);
}

/// A socket that listens on 127.0.0.1, announced. Accepted sockets inherit TCP_NODELAY from it.
inline int listen_on(std::uint16_t port, int type_flags) {
  int listener = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | type_flags, 0), "socket");
  int on = 1;
  check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
  check(setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  check(bind(listener, reinterpret_cast<sockaddr*>(&address), length), "bind");
  check(listen(listener, 4096), "listen");
  check(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  announce(ntohs(address.sin_port));
  return listener;
}

}  // namespace bench

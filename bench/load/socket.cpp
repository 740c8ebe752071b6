#include "socket.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace load {

namespace {

int check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::system_category(), what);
  return result;
}

void set(int socket, int level, int option, int value) {
  check(setsockopt(socket, level, option, &value, sizeof value), "setsockopt");
}

}  // namespace

sockaddr_in server_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int open_socket(unsigned source) {
  int socket = check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  sockaddr_in address = server_address(0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source % 250);
  check(bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  return socket;
}

int connect_socket(std::uint16_t port, unsigned source) {
  int socket = open_socket(source);
  sockaddr_in address = server_address(port);
  check(connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  return socket;
}

void reset_on_close(int socket) {
  linger now{.l_onoff = 1, .l_linger = 0};
  check(setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now), "setsockopt");
}

}  // namespace load

// The load generator's sockets, on loopback only.
#pragma once

#include <netinet/in.h>

#include <cstdint>

namespace load {

sockaddr_in server_address(std::uint16_t port);

/// A socket that is not connected yet. `source` chooses among 250 addresses of 127.0.0.0/8: one pair of addresses has
/// some 28,000 ports, and each connection that ended keeps its port for a minute.
int open_socket(unsigned source);

/// A connected socket. Throws `std::system_error`.
int connect_socket(std::uint16_t port, unsigned source);

/// Makes `close` reset the connection.
void reset_on_close(int socket);

}  // namespace load

// Addresses as sockets know them, and back.
#pragma once

#include <sys/socket.h>

#include "iocpp/address.hpp"

namespace iocpp::posix {

/// The socket address of `address`; its length is returned.
socklen_t to_native(const Address& address, sockaddr_storage& native) noexcept;

/// `Family::none` for a family that is neither IPv4 nor IPv6. An IPv4 client of a dual-stack listener comes out as
/// IPv4.
Address from_native(const sockaddr_storage& native) noexcept;

/// A peer's address: a negative errno turned positive, or 0.
int peer_name(int socket, Address& address) noexcept;
int local_name(int socket, Address& address) noexcept;

/// A numeric IPv4 or IPv6 address (with a scope, `fe80::1%eth0`), or "localhost" (127.0.0.1). False: neither.
bool parse_host(const char* host, Address& address) noexcept;

}  // namespace iocpp::posix

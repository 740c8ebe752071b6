// Addresses as sockets know them, and back.
#pragma once

#include <winsock2.h>
#include <ws2tcpip.h>

#include "iocpp/address.hpp"

namespace iocpp::windows {

/// The socket address of `address`; its length is returned.
int to_native(const Address& address, sockaddr_storage& native) noexcept;

/// `Family::none` for a family that is neither IPv4 nor IPv6. An IPv4 client of a dual-stack listener comes out as
/// IPv4.
Address from_native(const sockaddr_storage& native) noexcept;

/// A socket's addresses: the native error, or 0.
int peer_name(SOCKET socket, Address& address) noexcept;
int local_name(SOCKET socket, Address& address) noexcept;

/// A numeric IPv4 or IPv6 address (with a scope, a number as Windows writes it: `fe80::1%4`), or "localhost"
/// (127.0.0.1). False: neither.
bool parse_host(const char* host, Address& address) noexcept;

}  // namespace iocpp::windows

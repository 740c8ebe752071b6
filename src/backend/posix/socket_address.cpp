#include "backend/posix/socket_address.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace iocpp::posix {

socklen_t to_native(const Address& address, sockaddr_storage& native) noexcept {
  native = {};
  if (address.family == Address::Family::ipv4) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(address.port);
    std::memcpy(&ipv4.sin_addr, address.bytes.data(), sizeof ipv4.sin_addr);
    std::memcpy(&native, &ipv4, sizeof ipv4);
    return sizeof ipv4;
  }
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(address.port);
  ipv6.sin6_scope_id = address.scope;
  std::memcpy(&ipv6.sin6_addr, address.bytes.data(), sizeof ipv6.sin6_addr);
  std::memcpy(&native, &ipv6, sizeof ipv6);
  return sizeof ipv6;
}

namespace {

Address from_ipv6(const sockaddr_in6& ipv6) noexcept {
  Address address{.family = Address::Family::ipv6, .port = ntohs(ipv6.sin6_port), .scope = ipv6.sin6_scope_id};
  std::memcpy(address.bytes.data(), &ipv6.sin6_addr, sizeof ipv6.sin6_addr);
  if (!IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr)) return address;
  address.family = Address::Family::ipv4;
  std::copy(address.bytes.begin() + 12, address.bytes.end(), address.bytes.begin());
  std::fill(address.bytes.begin() + 4, address.bytes.end(), std::byte{0});
  return address;
}

using Name = int (*)(int, sockaddr*, socklen_t*);

int name_of(Name name, int socket, Address& address) noexcept {
  sockaddr_storage native{};
  socklen_t length = sizeof native;
  if (name(socket, reinterpret_cast<sockaddr*>(&native), &length) != 0) return errno;
  address = from_native(native);
  return 0;
}

}  // namespace

Address from_native(const sockaddr_storage& native) noexcept {
  if (native.ss_family == AF_INET) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, &native, sizeof ipv4);
    Address address{.family = Address::Family::ipv4, .port = ntohs(ipv4.sin_port)};
    std::memcpy(address.bytes.data(), &ipv4.sin_addr, sizeof ipv4.sin_addr);
    return address;
  }
  if (native.ss_family != AF_INET6) return {};
  sockaddr_in6 ipv6{};
  std::memcpy(&ipv6, &native, sizeof ipv6);
  return from_ipv6(ipv6);
}

int peer_name(int socket, Address& address) noexcept {
  return name_of([](int s, sockaddr* name, socklen_t* length) { return ::getpeername(s, name, length); }, socket,
                 address);
}

int local_name(int socket, Address& address) noexcept {
  return name_of([](int s, sockaddr* name, socklen_t* length) { return ::getsockname(s, name, length); }, socket,
                 address);
}

bool parse_host(const char* host, Address& address) noexcept {
  if (std::strcmp(host, "localhost") == 0) host = "127.0.0.1";
  if (::inet_pton(AF_INET, host, address.bytes.data()) == 1) {
    address.family = Address::Family::ipv4;
    return true;
  }
  std::string numeric{host};
  const auto percent = numeric.find('%');
  if (percent != std::string::npos) {
    address.scope = ::if_nametoindex(numeric.c_str() + percent + 1);
    if (address.scope == 0) return false;
    numeric.resize(percent);
  }
  in6_addr parsed{};
  if (::inet_pton(AF_INET6, numeric.c_str(), &parsed) != 1) return false;
  // ::ffff:1.2.3.4 is 1.2.3.4, as the system says of a socket that is bound to it.
  const bool mapped = IN6_IS_ADDR_V4MAPPED(&parsed);
  address.family = mapped ? Address::Family::ipv4 : Address::Family::ipv6;
  std::memcpy(address.bytes.data(), parsed.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
  return true;
}

}  // namespace iocpp::posix

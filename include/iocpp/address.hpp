// A peer's or a listener's address.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include <iocpp/export.hpp>

namespace iocpp {

/// An IPv4 or IPv6 address with a port. A plain value; no lifetime, any thread.
struct Address {
  /// What kind of address it is; `none` for a Unix socket's and for one that is not known.
  enum class Family : std::uint8_t { none, ipv4, ipv6 };

  Family family = Family::none;       ///< What the other members are of.
  std::uint16_t port = 0;             ///< Host byte order.
  std::uint32_t scope = 0;            ///< IPv6 scope (interface index), else 0.
  std::array<std::byte, 16> bytes{};  ///< Network byte order; IPv4 uses the first four.

  /// `192.0.2.1:80`, `[2001:db8::1]:80`, or an empty string for `Family::none`. IPv6 in the form of RFC 5952.
  IOCPP_EXPORT std::string to_string() const;

  /// Orders by family, then port, scope and bytes.
  friend auto operator<=>(const Address&, const Address&) = default;
};

}  // namespace iocpp

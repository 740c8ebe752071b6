// Numeric addresses as text, read strictly and without the system.
#pragma once

#include <optional>
#include <string_view>

#include "iocpp/address.hpp"

namespace iocpp {

/// Four numbers from 0 to 255, without leading zeros, which some would read as octal. Port 0.
std::optional<Address> parse_ipv4(std::string_view text) noexcept;

/// The forms of RFC 4291, 2.2: groups of one to four hexadecimal digits, at most one "::", and an IPv4 address at the
/// end. No scope. An IPv4-mapped address stays IPv6.
std::optional<Address> parse_ipv6(std::string_view text) noexcept;

/// ::ffff:0:0/96 as IPv4, as the system says of a dual-stack listener's clients; others as they are.
Address without_mapping(const Address& address) noexcept;

}  // namespace iocpp

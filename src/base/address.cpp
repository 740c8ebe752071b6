#include "iocpp/address.hpp"

#include <algorithm>
#include <charconv>
#include <span>

namespace iocpp {
namespace {

void append_number(std::string& text, unsigned value, int base) {
  std::array<char, 12> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
  text.append(digits.data(), end);
}

void append_ipv4(std::string& text, std::span<const std::byte, 4> bytes) {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (at != 0) text += '.';
    append_number(text, std::to_integer<unsigned>(bytes[at]), 10);
  }
}

/// ::ffff:0:0/96, the IPv4-mapped addresses (RFC 4291, 2.5.5.2): the last four bytes are shown as IPv4 (RFC 5952, 5).
bool maps_ipv4(const std::array<std::byte, 16>& bytes) {
  const auto zeros_end = bytes.begin() + 10;
  return std::all_of(bytes.begin(), zeros_end, [](std::byte byte) { return byte == std::byte{0}; }) &&
         bytes[10] == std::byte{0xff} && bytes[11] == std::byte{0xff};
}

struct Run {
  std::size_t begin = 0;
  std::size_t length = 0;
};

/// The longest run of zero groups, the first among equals, at least two: what "::" stands for (RFC 5952, 4.2).
Run longest_zero_run(const std::array<unsigned, 8>& groups) {
  Run longest;
  Run current;
  for (std::size_t at = 0; at < groups.size(); ++at) {
    current = groups[at] != 0 ? Run{at + 1, 0} : Run{current.begin, current.length + 1};
    if (current.length > longest.length) longest = current;
  }
  return longest.length >= 2 ? longest : Run{};
}

void append_ipv6(std::string& text, const std::array<std::byte, 16>& bytes) {
  if (maps_ipv4(bytes)) {
    text += "::ffff:";
    return append_ipv4(text, std::span{bytes}.last<4>());
  }
  std::array<unsigned, 8> groups;
  for (std::size_t at = 0; at < groups.size(); ++at) {
    groups[at] = (std::to_integer<unsigned>(bytes[2 * at]) << 8) | std::to_integer<unsigned>(bytes[2 * at + 1]);
  }
  const Run zeros = longest_zero_run(groups);
  for (std::size_t at = 0; at < groups.size(); ++at) {
    if (zeros.length != 0 && at == zeros.begin) {
      text += "::";
      at += zeros.length - 1;
      continue;
    }
    if (at != 0 && text.back() != ':') text += ':';
    append_number(text, groups[at], 16);
  }
}

}  // namespace

std::string Address::to_string() const {
  std::string text;
  if (family == Family::none) return text;
  if (family == Family::ipv4) {
    append_ipv4(text, std::span{bytes}.first<4>());
  } else {
    text += '[';
    append_ipv6(text, bytes);
    if (scope != 0) {
      text += '%';
      append_number(text, scope, 10);
    }
    text += ']';
  }
  text += ':';
  append_number(text, port, 10);
  return text;
}

}  // namespace iocpp

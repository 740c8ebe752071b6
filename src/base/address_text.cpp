#include "base/address_text.hpp"

#include <algorithm>
#include <charconv>
#include <span>

namespace iocpp {
namespace {

/// All of `text`, without a sign or a leading zero that a decimal may not have.
template <class Number>
bool read(std::string_view text, Number& number, int base) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc{} && end == text.data() + text.size();
}

bool read_ipv4(std::string_view text, std::span<std::byte, 4> bytes) noexcept {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const std::size_t dot = at + 1 == bytes.size() ? text.size() : text.find('.');
    if (dot == std::string_view::npos) return false;
    const std::string_view digits = text.substr(0, dot);
    std::uint8_t number = 0;
    if ((digits.size() > 1 && digits.front() == '0') || !read(digits, number, 10)) return false;
    bytes[at] = std::byte{number};
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return true;
}

/// Groups between colons, as many bytes as they are; the last may be an IPv4 address. Nothing where it is none.
std::optional<std::size_t> read_groups(std::string_view text, std::span<std::byte, 16> bytes) noexcept {
  std::size_t filled = 0;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
      if (filled > 12 || !read_ipv4(group, bytes.subspan(filled).first<4>())) return std::nullopt;
      return filled + 4;
    }
    std::uint16_t number = 0;
    if (filled > 14 || group.size() > 4 || !read(group, number, 16)) return std::nullopt;
    bytes[filled++] = static_cast<std::byte>(number >> 8);
    bytes[filled++] = static_cast<std::byte>(number & 0xff);
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;  // a colon at the end
  }
  return filled;
}

}  // namespace

std::optional<Address> parse_ipv4(std::string_view text) noexcept {
  Address address{.family = Address::Family::ipv4};
  if (!read_ipv4(text, std::span{address.bytes}.first<4>())) return std::nullopt;
  return address;
}

std::optional<Address> parse_ipv6(std::string_view text) noexcept {
  Address address{.family = Address::Family::ipv6};
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto filled = read_groups(text, address.bytes);
    return filled == address.bytes.size() ? std::optional{address} : std::nullopt;
  }
  std::array<std::byte, 16> tail{};
  const std::string_view before = text.substr(0, gap);
  if (before.find('.') != std::string_view::npos) return std::nullopt;
  const auto front = read_groups(before, address.bytes);
  const auto back = read_groups(text.substr(gap + 2), tail);
  // "::" stands for one group at least, as inet_pton(3) has it too.
  if (!front || !back || *front + *back > 14) return std::nullopt;
  std::copy_n(tail.begin(), *back, address.bytes.end() - static_cast<std::ptrdiff_t>(*back));
  return address;
}

Address without_mapping(const Address& address) noexcept {
  constexpr std::array<std::byte, 12> mapping{
      {{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::byte{0xff}, std::byte{0xff}}};
  if (address.family != Address::Family::ipv6 || !std::ranges::equal(mapping, std::span{address.bytes}.first<12>()))
    return address;
  Address ipv4{.family = Address::Family::ipv4, .port = address.port};
  std::copy_n(address.bytes.begin() + 12, 4, ipv4.bytes.begin());
  return ipv4;
}

}  // namespace iocpp

#include "stage/proxy_protocol.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/address_text.hpp"

namespace iocpp {

std::string_view to_string(ProxyFailure failure) noexcept {
  constexpr std::array<std::string_view, proxy_failures> names{
      "not_a_header",     "bad_line", "line_too_long", "bad_version", "bad_command", "bad_family",   "header_too_long",
      "header_too_short", "bad_tlv",  "bad_checksum",  "timed_out",   "peer_left",   "no_resources", "draining"};
  return names[static_cast<std::size_t>(failure)];
}

namespace {

/// The first TLV of `tlvs`, which is taken from them; nothing where it passes their end.
struct Tlv {
  std::uint8_t type;
  std::span<const std::byte> value;
};

std::optional<Tlv> take_tlv(std::span<const std::byte>& tlvs) noexcept {
  constexpr std::size_t head = 3;
  if (tlvs.size() < head) return std::nullopt;
  const std::size_t length = (std::to_integer<std::size_t>(tlvs[1]) << 8) | std::to_integer<std::size_t>(tlvs[2]);
  if (length > tlvs.size() - head) return std::nullopt;
  const Tlv tlv{std::to_integer<std::uint8_t>(tlvs[0]), tlvs.subspan(head, length)};
  tlvs = tlvs.subspan(head + length);
  return tlv;
}

}  // namespace

std::optional<std::span<const std::byte>> ProxyHeader::tlv(std::uint8_t type) const noexcept {
  std::span<const std::byte> rest = tlvs;
  while (const auto tlv = take_tlv(rest)) {
    if (tlv->type == type) return tlv->value;
  }
  return std::nullopt;
}

namespace stage {
namespace {

constexpr std::string_view line_start = "PROXY ";
constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};

/// As far as both go, they are the same.
bool begins(std::string_view text, std::string_view start) noexcept {
  const std::size_t common = std::min(text.size(), start.size());
  return text.substr(0, common) == start.substr(0, common);
}

// Version 1: a line of text.

/// Up to the next space, which is taken too. Two spaces in a row make an empty field, which no field may be.
std::string_view take_field(std::string_view& line) noexcept {
  const std::size_t space = line.find(' ');
  const std::string_view field = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return field;
}

bool read_port(std::string_view digits, std::uint16_t& port) noexcept {
  if (digits.size() > 1 && digits.front() == '0') return false;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc{} && end == digits.data() + digits.size();
}

ReadHeader read_addresses(std::string_view fields, bool ipv6, std::size_t bytes) noexcept {
  const auto parse = ipv6 ? parse_ipv6 : parse_ipv4;
  if (std::ranges::count(fields, ' ') != 3) return ProxyFailure::bad_line;
  auto source = parse(take_field(fields));
  auto destination = parse(take_field(fields));
  if (!source || !destination || !read_port(take_field(fields), source->port) ||
      !read_port(fields, destination->port)) {
    return ProxyFailure::bad_line;
  }
  return WholeHeader{bytes,
                     {.version = 1, .source = without_mapping(*source), .destination = without_mapping(*destination)}};
}

ReadHeader read_line(std::string_view text) noexcept {
  constexpr std::string_view unknown = "UNKNOWN";
  const std::string_view line = text.substr(0, line_bytes_max);
  std::string_view rest = line.substr(std::min(line.size(), line_start.size()));
  if (!begins(rest, "TCP4 ") && !begins(rest, "TCP6 ") && !begins(rest, unknown)) return ProxyFailure::bad_line;
  const bool addressed = begins(rest, "TCP");
  const std::size_t end = line.find("\r\n");
  if (end == std::string_view::npos) {
    // Neither a line's end nor any field has a lone one.
    if (addressed && line.find('\n') != std::string_view::npos) return ProxyFailure::bad_line;
    if (line.size() == line_bytes_max) return ProxyFailure::line_too_long;
    return MoreNeeded{};
  }
  rest = line.substr(0, end);
  rest.remove_prefix(std::min(rest.size(), line_start.size()));
  const std::string_view protocol = take_field(rest);
  if (protocol == unknown) return WholeHeader{end + 2, {.version = 1}};  // whatever follows is ignored
  if (protocol.size() != 4) return ProxyFailure::bad_line;               // the line ended within it
  return read_addresses(rest, protocol == "TCP6", end + 2);
}

// Version 2: sixteen bytes, addresses, TLVs.

constexpr std::size_t fixed_bytes = 16;

std::size_t big_endian(std::span<const std::byte> bytes) noexcept {
  std::size_t number = 0;
  for (const std::byte byte : bytes) number = (number << 8) | std::to_integer<std::size_t>(byte);
  return number;
}

enum class Command : std::uint8_t { local = 0, proxy = 1 };
enum class Family : std::uint8_t { unspecified = 0, ipv4 = 1, ipv6 = 2, unix_socket = 3 };
enum class Protocol : std::uint8_t { unspecified = 0, stream = 1, datagram = 2 };

struct Fixed {
  Command command;
  Family family;
  Protocol protocol;
  std::size_t bytes;  ///< Of the whole header.
};

using ReadFixed = std::variant<Fixed, ProxyFailure>;

ReadFixed read_fixed(std::span<const std::byte> bytes, std::size_t bytes_max) noexcept {
  const unsigned command = std::to_integer<unsigned>(bytes[12]) & 0xfU;
  const unsigned family = std::to_integer<unsigned>(bytes[13]) >> 4;
  const unsigned protocol = std::to_integer<unsigned>(bytes[13]) & 0xfU;
  const Fixed fixed{static_cast<Command>(command), static_cast<Family>(family), static_cast<Protocol>(protocol),
                    fixed_bytes + big_endian(bytes.subspan(14, 2))};
  // LOCAL: the family is ignored, whatever it is.
  if (fixed.command != Command::local && (family > 3 || protocol > 2)) return ProxyFailure::bad_family;
  if (fixed.bytes > bytes_max) return ProxyFailure::header_too_long;
  return fixed;
}

std::size_t address_bytes(Family family) noexcept {
  switch (family) {
    case Family::unspecified:
      return 0;
    case Family::ipv4:
      return 4;
    case Family::ipv6:
      return 16;
    case Family::unix_socket:
      return 108;
  }
  return 0;
}

/// The source is the first of two addresses, and of two ports after them; the destination the second.
Address address_at(std::span<const std::byte> block, std::size_t size, std::size_t nth) noexcept {
  Address address{.family = size == 4 ? Address::Family::ipv4 : Address::Family::ipv6};
  std::copy_n(block.subspan(nth * size).begin(), size, address.bytes.begin());
  address.port = static_cast<std::uint16_t>(big_endian(block.subspan(2 * size + 2 * nth, 2)));
  return without_mapping(address);
}

std::optional<ProxyFailure> check_tlvs(std::span<const std::byte> header, std::span<const std::byte> tlvs) noexcept {
  constexpr std::uint8_t checksum_type = 0x03;
  constexpr std::size_t checksum_bytes = 4;
  std::optional<std::span<const std::byte>> checksum;
  while (!tlvs.empty()) {
    const auto tlv = take_tlv(tlvs);
    if (!tlv) return ProxyFailure::bad_tlv;
    if (tlv->type != checksum_type) continue;
    if (checksum || tlv->value.size() != checksum_bytes) return ProxyFailure::bad_tlv;
    checksum = tlv->value;
  }
  if (!checksum) return std::nullopt;
  // Made with zeros in its own place.
  const auto at = static_cast<std::size_t>(checksum->data() - header.data());
  constexpr std::array<std::byte, checksum_bytes> zeros{};
  std::uint32_t sum = crc32c(header.first(at));
  sum = crc32c(zeros, sum);
  sum = crc32c(header.subspan(at + checksum_bytes), sum);
  return sum == big_endian(*checksum) ? std::nullopt : std::optional{ProxyFailure::bad_checksum};
}

ReadHeader read_block(std::span<const std::byte> bytes, const Fixed& fixed) noexcept {
  WholeHeader whole{fixed.bytes, {.version = 2, .local = fixed.command == Command::local}};
  // Then the block has no meaning that is agreed on: where it has addresses, where TLVs.
  if (whole.header.local || fixed.family == Family::unspecified || fixed.protocol == Protocol::unspecified)
    return whole;
  const std::span<const std::byte> header = bytes.first(fixed.bytes);
  const std::span<const std::byte> block = header.subspan(fixed_bytes);
  const std::size_t size = address_bytes(fixed.family);
  const bool has_ports = fixed.family != Family::unix_socket;
  const std::size_t addresses = 2 * size + (has_ports ? 4 : 0);
  whole.header.tlvs = block.subspan(addresses);
  if (const auto failure = check_tlvs(header, whole.header.tlvs)) return *failure;
  if (has_ports) {
    whole.header.source = address_at(block, size, 0);
    whole.header.destination = address_at(block, size, 1);
  }
  return whole;
}

ReadHeader read_binary(std::span<const std::byte> bytes, std::size_t bytes_max) noexcept {
  if (bytes.size() > 12 && std::to_integer<unsigned>(bytes[12]) >> 4 != 2) return ProxyFailure::bad_version;
  if (bytes.size() > 12 && (std::to_integer<unsigned>(bytes[12]) & 0xfU) > 1) return ProxyFailure::bad_command;
  if (bytes.size() < fixed_bytes) return MoreNeeded{};
  const ReadFixed read = read_fixed(bytes, bytes_max);
  if (const auto* failure = std::get_if<ProxyFailure>(&read)) return *failure;
  const Fixed& fixed = *std::get_if<Fixed>(&read);
  const bool has_addresses = fixed.command == Command::proxy && fixed.protocol != Protocol::unspecified;
  const std::size_t ports = fixed.family == Family::ipv4 || fixed.family == Family::ipv6 ? 4 : 0;
  if (has_addresses && fixed.bytes < fixed_bytes + 2 * address_bytes(fixed.family) + ports)
    return ProxyFailure::header_too_short;
  if (bytes.size() < fixed.bytes) return MoreNeeded{};
  return read_block(bytes, fixed);
}

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t at = 0; at < table.size(); ++at) {
    std::uint32_t value = at;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78U : 0U);
    table[at] = value;
  }
  return table;
}();

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before) noexcept {
  std::uint32_t sum = ~before;
  for (const std::byte byte : bytes) sum = (sum >> 8) ^ crc_table[(sum ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
  return ~sum;
}

ReadHeader read_proxy_header(std::span<const std::byte> bytes, std::size_t bytes_max) noexcept {
  const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  if (text.empty()) return MoreNeeded{};
  if (begins(text, line_start)) return read_line(text);
  if (begins(text, signature)) return read_binary(bytes, bytes_max);
  return ProxyFailure::not_a_header;
}

}  // namespace stage
}  // namespace iocpp

// The PROXY protocol, versions 1 and 2: what a proxy in front of the server says of its client (docs/PROXY.md).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <iocpp/address.hpp>
#include <iocpp/export.hpp>

namespace iocpp {

/// What becomes of a peer that is none of the trusted proxies.
enum class UntrustedPeer : std::uint8_t {
  refuse,  ///< It is refused (`Refusal::untrusted_peer`). The default: whoever comes past the proxies hides.
  serve,   ///< It is a client of its own: no header is expected of it, and what it sends is the handler's.
};

/// Off while `trusted` is empty. A connection of a trusted proxy begins with a header, without exception: the
/// specification forbids to guess whether there is one. Before it is complete nothing is told of the connection.
struct ProxyProtocol {
  /// Networks whose peers are proxies: `10.0.0.0/8`, `192.0.2.7`, `2001:db8::/32`, `::1`.
  std::vector<std::string> trusted{};
  /// What becomes of peers that `trusted` does not name.
  UntrustedPeer untrusted = UntrustedPeer::refuse;
  /// From the accept to the complete header; then the connection is reset. 3 s is the least that the specification
  /// allows for, since a lost segment is sent again after that; proxies send the header at once. 1 ms to a day.
  std::chrono::milliseconds timeout{3000};
  /// A longer header of version 2 fails: its TLVs stay in memory while the connection lives. 232 bytes (the longest
  /// addresses) to 65,551 (the longest that there is). Proxies send some hundred.
  std::size_t header_bytes_max = 4096;
};

/// Why a connection ended before its header was complete. Counted by reason: `Counters::proxy_failed`.
enum class ProxyFailure : std::uint8_t {
  not_a_header,      ///< The first bytes are those of neither version.
  bad_line,          ///< Version 1: not exactly as specified.
  line_too_long,     ///< Version 1: no end of the line within 107 bytes.
  bad_version,       ///< Version 2's signature, and another version.
  bad_command,       ///< Version 2: neither LOCAL nor PROXY.
  bad_family,        ///< Version 2: an address family or protocol that is reserved.
  header_too_long,   ///< Version 2: longer than `ProxyProtocol::header_bytes_max`.
  header_too_short,  ///< Version 2: the length has no room for the family's addresses.
  bad_tlv,           ///< Version 2: a TLV that passes the header's end, or a checksum's that is none.
  bad_checksum,      ///< Version 2: the header's CRC32C is another.
  timed_out,         ///< `ProxyProtocol::timeout` was over.
  peer_left,         ///< The peer ended its stream or reset, or the network failed.
  no_resources,      ///< There was no memory.
  draining,          ///< The server drains: who is not served yet is not waited for.
};

/// How many there are: the length of `Counters::proxy_failed`.
inline constexpr std::size_t proxy_failures = static_cast<std::size_t>(ProxyFailure::draining) + 1;

/// `not_a_header`, `bad_line`, ...: the enumerator's name.
IOCPP_EXPORT std::string_view to_string(ProxyFailure failure) noexcept;

/// What the proxy has said, in its words. A view: valid until the handler's `on_disconnect` has returned.
struct ProxyHeader {
  unsigned version = 0;               ///< 1 or 2.
  bool local = false;                 ///< Version 2's LOCAL: the proxy itself connects, to check the server's health.
  Address source{};                   ///< The client. `Family::none`: unknown, local, or a client on a Unix socket.
  Address destination{};              ///< Where the client connected to. IPv4-mapped addresses are IPv4.
  std::span<const std::byte> tlvs{};  ///< Version 2: type, length (2 bytes, big-endian), value, and so on; whole ones.

  /// The value of the first TLV of a type (0x01: ALPN, 0x02: authority, 0x05: unique id, 0x20: SSL, ...), if any.
  IOCPP_EXPORT std::optional<std::span<const std::byte>> tlv(std::uint8_t type) const noexcept;
};

}  // namespace iocpp

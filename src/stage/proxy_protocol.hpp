// The header of the PROXY protocol, read from bytes: HAProxy's doc/proxy-protocol.txt, sections 2.1 and 2.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "iocpp/proxy_protocol.hpp"

namespace iocpp::stage {

/// A complete header: its length, and what it says. The TLVs are a view of the bytes that it was read from.
struct WholeHeader {
  std::size_t bytes;
  ProxyHeader header;
};

struct MoreNeeded {};

using ReadHeader = std::variant<MoreNeeded, WholeHeader, ProxyFailure>;

/// Reads the header that `bytes` begin with; what follows it is not looked at. `MoreNeeded`: so far it is the beginning
/// of a header. Never after `bytes_max` bytes (or 107, version 1's most): then it is one or it fails. A header
/// that can't become one fails with the first byte that shows it, but for version 1's fields, which are read when the
/// line has ended. Nothing is allocated.
ReadHeader read_proxy_header(std::span<const std::byte> bytes, std::size_t bytes_max) noexcept;

/// CRC-32C (Castagnoli), RFC 4960, appendix B.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0) noexcept;

inline constexpr std::size_t line_bytes_max = 107;  ///< Of version 1, with its CR LF.

}  // namespace iocpp::stage

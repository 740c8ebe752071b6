// Headers of the PROXY protocol as a proxy writes them, apart from the code that reads them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "iocpp/address.hpp"

namespace iocpp::simulator {

inline Address ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::uint16_t port) {
  Address address{.family = Address::Family::ipv4, .port = port};
  address.bytes[0] = std::byte{a};
  address.bytes[1] = std::byte{b};
  address.bytes[2] = std::byte{c};
  address.bytes[3] = std::byte{d};
  return address;
}

/// "host port" of an address, without brackets.
inline std::string host_of(const Address& address) {
  std::string text = address.to_string();
  text.resize(text.rfind(':'));
  if (text.front() == '[') text = text.substr(1, text.size() - 2);
  return text;
}

inline std::string proxy_line(const Address& source, const Address& destination) {
  const bool ipv6 = source.family == Address::Family::ipv6;
  return std::string{"PROXY TCP"} + (ipv6 ? "6 " : "4 ") + host_of(source) + ' ' + host_of(destination) + ' ' +
         std::to_string(source.port) + ' ' + std::to_string(destination.port) + "\r\n";
}

inline std::string big_endian_16(std::size_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

inline std::string tlv(std::uint8_t type, std::string_view value) {
  std::string text{static_cast<char>(type)};
  return text.append(big_endian_16(value.size())).append(value);
}

/// Version 2: `command` and `family` are the 13th and 14th byte.
inline std::string proxy_block(unsigned command, unsigned family, std::string_view block) {
  std::string text{"\r\n\r\n\0\r\nQUIT\n", 12};
  text += static_cast<char>(command);
  text += static_cast<char>(family);
  return text.append(big_endian_16(block.size())).append(block);
}

inline std::string address_block(const Address& source, const Address& destination) {
  const std::size_t size = source.family == Address::Family::ipv6 ? 16 : 4;
  std::string block;
  for (const Address* address : {&source, &destination})
    block.append(reinterpret_cast<const char*>(address->bytes.data()), size);
  return block + big_endian_16(source.port) + big_endian_16(destination.port);
}

inline std::string proxy_block(const Address& source, const Address& destination, std::string_view tlvs = {}) {
  const unsigned family = source.family == Address::Family::ipv6 ? 0x21 : 0x11;
  return proxy_block(0x21, family, address_block(source, destination).append(tlvs));
}

/// The CRC-32C of a header that has zeros in its place, bit by bit.
inline std::string checksum(std::string_view header) {
  std::uint32_t sum = 0xffffffffU;
  for (const char byte : header) {
    sum ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0x82f63b78U : 0U);
  }
  sum = ~sum;
  return big_endian_16(sum >> 16) + big_endian_16(sum & 0xffff);
}

/// ... with a TLV that has it, as the last one.
inline std::string proxy_block_with_checksum(const Address& source, const Address& destination,
                                             std::string_view tlvs = {}) {
  const std::string zeros(4, '\0');
  std::string header = proxy_block(source, destination, std::string{tlvs} + tlv(0x03, zeros));
  const std::string sum = checksum(header);
  header.replace(header.size() - 4, 4, sum);
  return header;
}

}  // namespace iocpp::simulator

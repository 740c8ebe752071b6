#include "iocpp/address.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace iocpp {
namespace {

Address ipv4(std::array<unsigned, 4> numbers, std::uint16_t port) {
  Address address{.family = Address::Family::ipv4, .port = port};
  for (std::size_t at = 0; at < 4; ++at) address.bytes[at] = static_cast<std::byte>(numbers[at]);
  return address;
}

Address ipv6(std::array<unsigned, 8> groups, std::uint16_t port, std::uint32_t scope = 0) {
  Address address{.family = Address::Family::ipv6, .port = port, .scope = scope};
  for (std::size_t at = 0; at < 8; ++at) {
    address.bytes[2 * at] = static_cast<std::byte>(groups[at] >> 8);
    address.bytes[2 * at + 1] = static_cast<std::byte>(groups[at] & 0xffU);
  }
  return address;
}

TEST(Address, of_no_family_is_an_empty_text) {
  EXPECT_EQ(Address{}.to_string(), "");
}

TEST(Address, ipv4_is_dotted_with_its_port) {
  EXPECT_EQ(ipv4({192, 0, 2, 1}, 80).to_string(), "192.0.2.1:80");
  EXPECT_EQ(ipv4({0, 0, 0, 0}, 0).to_string(), "0.0.0.0:0");
  EXPECT_EQ(ipv4({255, 255, 255, 255}, 65535).to_string(), "255.255.255.255:65535");
}

struct Form {
  std::array<unsigned, 8> groups;
  const char* text;
};

class Rfc5952 : public testing::TestWithParam<Form> {};

TEST_P(Rfc5952, has_one_form) {
  EXPECT_EQ(ipv6(GetParam().groups, 443).to_string(), "[" + std::string{GetParam().text} + "]:443");
}

INSTANTIATE_TEST_SUITE_P(
    Address, Rfc5952,
    testing::Values(Form{{0, 0, 0, 0, 0, 0, 0, 0}, "::"}, Form{{0, 0, 0, 0, 0, 0, 0, 1}, "::1"},
                    Form{{1, 0, 0, 0, 0, 0, 0, 0}, "1::"}, Form{{0, 1, 0, 0, 0, 0, 0, 0}, "0:1::"},
                    Form{{0, 0, 1, 0, 0, 0, 0, 0}, "0:0:1::"}, Form{{0, 0, 0, 0, 0, 0, 1, 1}, "::1:1"},
                    Form{{0, 0, 0, 0, 1, 0, 0, 0}, "::1:0:0:0"},
                    // 4.1: no leading zeros.
                    Form{{0x2001, 0xdb8, 0, 0, 0, 0, 0, 1}, "2001:db8::1"},
                    // 4.2.1: as short as possible.
                    Form{{0x2001, 0xdb8, 0, 0, 0, 0, 2, 1}, "2001:db8::2:1"},
                    // 4.2.2: a single group of zeros is not shortened.
                    Form{{0x2001, 0xdb8, 0, 1, 1, 1, 1, 1}, "2001:db8:0:1:1:1:1:1"},
                    Form{{0, 1, 2, 3, 4, 5, 6, 7}, "0:1:2:3:4:5:6:7"},
                    Form{{1, 2, 3, 4, 5, 6, 7, 0}, "1:2:3:4:5:6:7:0"},
                    Form{{0, 1, 0, 1, 0, 1, 0, 1}, "0:1:0:1:0:1:0:1"},
                    // 4.2.3: the longest run, the first among equals.
                    Form{{0x2001, 0, 0, 1, 0, 0, 0, 1}, "2001:0:0:1::1"},
                    Form{{0x2001, 0xdb8, 0, 0, 1, 0, 0, 1}, "2001:db8::1:0:0:1"},
                    Form{{0, 0, 1, 1, 1, 1, 0, 0}, "::1:1:1:1:0:0"}, Form{{0, 0, 1, 1, 1, 0, 0, 0}, "0:0:1:1:1::"},
                    // 4.3: lower case.
                    Form{{0xABCD, 0xEF01, 0xFFFF, 0xA, 0xB0, 0xC00, 0xD000, 0xE}, "abcd:ef01:ffff:a:b0:c00:d000:e"}));

TEST(Address, an_ipv4_mapped_address_ends_in_dotted_form) {
  // RFC 5952, section 5: where a known prefix says that the last 32 bits are an IPv4 address.
  EXPECT_EQ(ipv6({0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201}, 80).to_string(), "[::ffff:192.0.2.1]:80");
  EXPECT_EQ(ipv6({0, 0, 0, 0, 0, 0xffff, 0, 0}, 80).to_string(), "[::ffff:0.0.0.0]:80");
  EXPECT_EQ(ipv6({0, 0, 0, 0, 1, 0xffff, 0xc000, 0x0201}, 80).to_string(), "[::1:ffff:c000:201]:80");
}

TEST(Address, a_scope_is_shown_as_the_number_of_its_interface) {
  EXPECT_EQ(ipv6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 80, 3).to_string(), "[fe80::1%3]:80");
  EXPECT_EQ(ipv6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 80, 4294967295U).to_string(), "[fe80::1%4294967295]:80");
}

TEST(Address, compares_by_all_that_it_is_made_of) {
  const Address address = ipv6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 80, 3);
  EXPECT_EQ(address, ipv6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 80, 3));
  EXPECT_NE(address, ipv6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 80, 4));
  EXPECT_NE(address, ipv6({0xfe80, 0, 0, 0, 0, 0, 0, 1}, 81, 3));
  EXPECT_NE(address, ipv6({0xfe80, 0, 0, 0, 0, 0, 0, 2}, 80, 3));
  EXPECT_NE(ipv4({0, 0, 0, 0}, 80), ipv6({0, 0, 0, 0, 0, 0, 0, 0}, 80));
}

}  // namespace
}  // namespace iocpp

#include "base/address_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace iocpp {
namespace {

std::string read(std::string_view text) {
  const auto address = text.find(':') == std::string_view::npos ? parse_ipv4(text) : parse_ipv6(text);
  return address ? address->to_string() : "none";
}

TEST(AddressText, ipv6_in_each_form_of_the_rfc) {
  EXPECT_EQ(read("::"), "[::]:0");
  EXPECT_EQ(read("::1"), "[::1]:0");
  EXPECT_EQ(read("1::"), "[1::]:0");
  EXPECT_EQ(read("2001:DB8:0:0:8:800:200C:417A"), "[2001:db8::8:800:200c:417a]:0");
  EXPECT_EQ(read("1:2:3:4:5:6:7::"), "[1:2:3:4:5:6:7:0]:0");
  EXPECT_EQ(read("::2:3:4:5:6:7:8"), "[0:2:3:4:5:6:7:8]:0");
  EXPECT_EQ(read("::13.1.68.3"), "[::d01:4403]:0");
  EXPECT_EQ(read("1:2:3:4:5:6:13.1.68.3"), "[1:2:3:4:5:6:d01:4403]:0");
}

TEST(AddressText, what_is_no_ipv6) {
  for (const char* text : {":",
                           ":::",
                           ":1",
                           "1:",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1::2::3",
                           "12345::",
                           "g::",
                           "1:2:3:4::5:6:7:8",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "::1.2.3",
                           "1.2.3.4::",
                           "::1.2.3.4:5",
                           "-1::",
                           "+1::",
                           "::0x1",
                           "::1 ",
                           " ::1",
                           "::1:"})
    EXPECT_EQ(read(text), "none") << text;
}

TEST(AddressText, what_is_no_ipv4) {
  for (const char* text : {"", "1", "1.2.3", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.", "1.2.3.4.5", "256.1.1.1",
                           "01.1.1.1", "1.1.1.00", "-1.1.1.1", "1.1.1.1 ", "1.1.1.a"})
    EXPECT_EQ(read(text), "none") << text;
  EXPECT_EQ(read("0.10.200.255"), "0.10.200.255:0");
}

TEST(AddressText, a_mapped_address_is_ipv4) {
  EXPECT_EQ(without_mapping(*parse_ipv6("::ffff:1.2.3.4")).to_string(), "1.2.3.4:0");
  EXPECT_EQ(without_mapping(*parse_ipv6("::fffe:1.2.3.4")).family, Address::Family::ipv6);
}

}  // namespace
}  // namespace iocpp

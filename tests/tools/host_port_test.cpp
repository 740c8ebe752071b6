#include "program/host_port.hpp"

#include <gtest/gtest.h>

#include "stress/socket.hpp"

namespace {

using program::parse_host_port;

TEST(HostPort, forms_that_are_understood) {
  for (const char* text : {"127.0.0.1:50000", "[::1]:80", "localhost:1", ":0", "[fe80::1]:65535"}) {
    const auto parsed = parse_host_port(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->to_string(), text);
  }
  EXPECT_EQ(parse_host_port("[::1]:80")->host, "::1");
  EXPECT_EQ(parse_host_port("[::1]:80")->port, 80);
  EXPECT_EQ(parse_host_port(":80")->host, "");
}

TEST(HostPort, forms_that_are_none) {
  for (const char* text : {"", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:x",
                           "::1:80", "[::1:80", "::1]:80", "[]:80", "[127.0.0.1]:80", "a b:80"}) {
    EXPECT_FALSE(parse_host_port(text)) << text;
  }
}

// A port out of its range was told as "is not HOST:PORT", which it is.
TEST(HostPort, a_port_out_of_its_range_is_told_as_that) {
  for (const char* text : {"127.0.0.1:65536", ":70000", "[::1]:99999999999999999999", "99999"}) {
    EXPECT_EQ(program::objection(text, 0, "FORMS"), "has no such port: it is 0 to 65535, 0 for a free one") << text;
    EXPECT_EQ(program::objection(text, 1, "FORMS"), "has no such port: it is 1 to 65535") << text;
  }
  EXPECT_EQ(program::objection("127.0.0.1:0", 1, "FORMS"), "has no such port: it is 1 to 65535");
  for (const char* text :
       {"", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "::1:70000", "a b:70000", "example.org:80"})
    EXPECT_EQ(program::objection(text, 0, "FORMS"), "is not FORMS") << text;
}

TEST(HostPort, only_numeric_hosts_and_localhost_resolve) {
  EXPECT_TRUE(stress::resolve({"127.0.0.1", 80}));
  EXPECT_TRUE(stress::resolve({"::1", 80}));
  EXPECT_TRUE(stress::resolve({"localhost", 80}));
  EXPECT_FALSE(stress::resolve({"", 80}));
  EXPECT_FALSE(stress::resolve({"example.org", 80}));
}

TEST(HostPort, sources_are_spread_over_ipv4_loopback_only) {
  const auto loopback = stress::resolve({"127.0.0.1", 80});
  EXPECT_NE(stress::loopback_source(*loopback, 0)->bytes, stress::loopback_source(*loopback, 1)->bytes);
  EXPECT_FALSE(stress::loopback_source(*stress::resolve({"::1", 80}), 0));
  EXPECT_FALSE(stress::loopback_source(*stress::resolve({"192.0.2.1", 80}), 0));
}

}  // namespace

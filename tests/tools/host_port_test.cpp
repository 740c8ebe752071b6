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

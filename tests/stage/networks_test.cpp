#include <gtest/gtest.h>

#include <system_error>

#include "base/address_text.hpp"
#include "iocpp/error.hpp"
#include "stage/proxy_stage.hpp"

namespace iocpp::stage {
namespace {

bool contains(const char* network, const char* peer) {
  const std::string_view text = peer;
  const auto address = text.find(':') == std::string_view::npos ? parse_ipv4(text) : parse_ipv6(text);
  return Network::parse(network).value().contains(address.value());
}

TEST(Network, contains_what_has_its_first_bits) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(contains("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(contains("192.0.2.7", "192.0.2.6"));
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(contains("0.0.0.0/0", "::1"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(contains("::1/128", "::1"));
  EXPECT_FALSE(contains("::/0", "127.0.0.1"));
  EXPECT_TRUE(contains("::ffff:10.0.0.0/104", "10.1.2.3")) << "an address of IPv4 in IPv6's clothes";
  EXPECT_FALSE(contains("::ffff:10.0.0.0/104", "11.1.2.3"));
}

TEST(Network, what_is_none) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.1/8", "::1/129",
                           "::1/127", "localhost", "10.0.0/8", "10.0.0.0/ 8"})
    EXPECT_FALSE(Network::parse(text)) << text;
}

TEST(ProxyStages, trusted_networks_are_prepared_and_others_as_they_are_to_be) {
  using Trust = ProxyStages::Trust;
  using Entrance = core::Stages::Entrance;
  const Address proxy = parse_ipv4("10.1.2.3").value();
  const Address other = parse_ipv4("192.0.2.1").value();
  ProxyProtocol options{.trusted = {"10.0.0.0/8", "::1"}};
  const ProxyStages refusing{options, {Trust::networks, Trust::nobody, Trust::everybody}};
  EXPECT_EQ(refusing.entrance_of(0, proxy), Entrance::prepare);
  EXPECT_EQ(refusing.entrance_of(0, parse_ipv6("::1").value()), Entrance::prepare);
  EXPECT_EQ(refusing.entrance_of(0, other), Entrance::refuse);
  EXPECT_EQ(refusing.entrance_of(0, Address{}), Entrance::refuse) << "a peer without an address";
  EXPECT_EQ(refusing.entrance_of(2, Address{}), Entrance::prepare) << "a peer on a Unix socket";
  EXPECT_TRUE(refusing.looks_at(0));
  EXPECT_FALSE(refusing.looks_at(1));
  options.untrusted = UntrustedPeer::serve;
  EXPECT_EQ((ProxyStages{options, {Trust::networks}}.entrance_of(0, other)), Entrance::serve);
}

TEST(ProxyStages, a_network_that_is_none_is_named) {
  try {
    const ProxyStages stages{{.trusted = {"10.0.0.1/8"}}, {ProxyStages::Trust::networks}};
    FAIL() << "accepted";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::invalid_argument);
    EXPECT_NE(std::string_view{error.what()}.find("10.0.0.1/8"), std::string_view::npos);
  }
}

}  // namespace
}  // namespace iocpp::stage

// The PROXY protocol on real sockets: who is told of what, and who is not.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "server/live_server.hpp"
#include "simulator/proxy_headers.hpp"

namespace iocpp::tests {
namespace {

using simulator::ipv4;
using simulator::proxy_block_with_checksum;
using simulator::proxy_line;
using simulator::tlv;

struct Layout {
  unsigned shards;
  bool accept_thread;

  friend std::ostream& operator<<(std::ostream& out, const Layout& layout) {
    return out << layout.shards << (layout.accept_thread ? " shards, accept thread" : " shards");
  }
};

class Proxy : public ::testing::TestWithParam<Layout> {
 protected:
  Proxy() { journal.received = echo; }
  Options options(ProxyProtocol proxy = {.trusted = {"127.0.0.0/8"}}) const {
    return {.shards = GetParam().shards, .accept_thread = GetParam().accept_thread, .proxy_protocol = std::move(proxy)};
  }
  static std::uint64_t failed(const LiveServer& server, ProxyFailure why) {
    return server.counters().proxy_failed[static_cast<std::size_t>(why)];
  }

  const Address client = ipv4(192, 0, 2, 1, 56324);
  const Address destination = ipv4(198, 51, 100, 7, 443);
  Journal journal;
};

INSTANTIATE_TEST_SUITE_P(Layouts, Proxy, ::testing::Values(Layout{1, false}, Layout{2, false}, Layout{2, true}));

TEST_P(Proxy, the_handler_sees_the_clients_address_and_all_of_its_bytes) {
  Address seen, own;
  std::string alpn;
  journal.connected = [&](Connection connection) {
    EXPECT_FALSE(connection.peer_address(seen));
    EXPECT_FALSE(connection.proxy_address(own));
    const auto value = connection.proxy_header()->tlv(0x01).value();
    alpn.assign(reinterpret_cast<const char*>(value.data()), value.size());
  };
  LiveServer server{journal, options()};
  Client proxy = server.connect();
  proxy.send(proxy_block_with_checksum(client, destination, tlv(0x01, "h2")) + "hello");
  EXPECT_EQ(proxy.receive(5), "hello");
  journal.wait_for(Told::receive);
  EXPECT_EQ(seen, client);
  EXPECT_EQ(own.to_string(), "127.0.0.1:" + std::to_string(proxy.port()));
  EXPECT_EQ(alpn, "h2");
}

TEST_P(Proxy, a_header_that_comes_byte_by_byte_is_one) {
  LiveServer server{journal, options()};
  Client proxy = server.connect();
  for (const char byte : proxy_line(client, destination) + "hello") {
    proxy.send(std::string{byte});
    ASSERT_TRUE(proxy.wait_until_delivered());
  }
  EXPECT_EQ(proxy.receive(5), "hello");
}

TEST_P(Proxy, who_sends_no_header_is_reset_and_nobody_is_told) {
  LiveServer server{journal, options()};
  for (int times = 0; times < 20; ++times) {
    Client peer = server.connect();
    peer.send_until_refused("GET / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(is_reset(peer.end()));
  }
  EXPECT_TRUE(eventually([&] { return failed(server, ProxyFailure::not_a_header) == 20; }));
  EXPECT_EQ(server.counters().stage_failed, 20U);
  EXPECT_TRUE(eventually([&] { return server.counters().preparing == 0; }));
  EXPECT_EQ(server.counters().accepted, 0U);
}

TEST_P(Proxy, who_never_finishes_is_reset_in_time) {
  LiveServer server{journal, options({.trusted = {"127.0.0.1"}, .timeout = std::chrono::milliseconds{100}})};
  Client silent = server.connect();
  Client half = server.connect();
  half.send("PROXY TCP4 192.0.2.1 ");
  EXPECT_TRUE(is_reset(silent.end()));
  EXPECT_TRUE(is_reset(half.end()));
  EXPECT_EQ(failed(server, ProxyFailure::timed_out), 2U);
}

TEST_P(Proxy, a_peer_that_is_no_proxy_is_refused) {
  LiveServer server{journal, options({.trusted = {"10.0.0.0/8"}})};
  Client peer = server.connect();
  EXPECT_TRUE(is_reset(peer.end()));
  EXPECT_TRUE(eventually(
      [&] { return server.counters().refused_for[static_cast<std::size_t>(Refusal::untrusted_peer)] == 1; }));
}

TEST_P(Proxy, or_served_as_a_client_of_its_own) {
  LiveServer server{journal, options({.trusted = {"10.0.0.0/8"}, .untrusted = UntrustedPeer::serve})};
  Client peer = server.connect();
  const std::string forged = proxy_line(client, destination);
  EXPECT_EQ(peer.echo(forged), forged);
}

TEST_P(Proxy, limits_for_addresses_are_the_clients_and_not_the_proxys) {
  Options limited = options();
  limited.limits = {.connections_per_address = 1, .loopback_too = true};
  LiveServer server{journal, limited};
  std::vector<Client> clients;
  for (std::uint8_t number = 1; number <= 5; ++number) {
    clients.push_back(server.connect());
    clients.back().send(proxy_line(ipv4(192, 0, 2, number, 1), destination));
    EXPECT_EQ(clients.back().echo("hello"), "hello");
  }
  Client again = server.connect();
  again.send_until_refused(proxy_line(ipv4(192, 0, 2, 3, 2), destination));
  EXPECT_TRUE(is_reset(again.end()));
  const auto why = static_cast<std::size_t>(Refusal::connections_per_address);
  EXPECT_TRUE(eventually([&] { return server.counters().refused_for[why] == 1; }));
}

TEST_P(Proxy, a_drain_does_not_wait_for_headers) {
  LiveServer server{journal, options({.trusted = {"127.0.0.1"}, .timeout = std::chrono::hours{1}})};
  Client waiting = server.connect();
  ASSERT_TRUE(eventually([&] { return server.counters().preparing == 1; }));
  const DrainReport report = server.stop(std::chrono::hours{1});
  EXPECT_TRUE(is_reset(waiting.end()));
  EXPECT_EQ(report.cut + report.failed + report.finished + report.idle_closed, 0U);
  EXPECT_EQ(failed(server, ProxyFailure::draining), 1U);
}

TEST(ProxyListener, one_without_it_reads_no_header) {
  Journal journal;
  journal.received = echo;
  LiveServer server{journal,
                    {.listen = {{.host = "127.0.0.1"}, {.host = "127.0.0.1", .proxy_protocol = false}},
                     .proxy_protocol = {.trusted = {"127.0.0.1"}}}};
  Client plain{server->address(1).port};
  EXPECT_EQ(plain.echo("hello"), "hello");
  Client behind{server->address(0).port};
  behind.send("PROXY UNKNOWN\r\n");
  EXPECT_EQ(behind.echo("hello"), "hello");
}

}  // namespace
}  // namespace iocpp::tests

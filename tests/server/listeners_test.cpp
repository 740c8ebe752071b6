// Listeners: addresses, families, handlers of their own, and the options that accepted sockets have.
#include <gtest/gtest.h>

#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

/// The address of each peer, as the server saw it.
struct PeerNames {
  explicit PeerNames(Journal& journal) {
    journal.connected = [this](Connection connection) {
      Address address;
      EXPECT_EQ(connection.peer_address(address), std::error_code{});
      const std::lock_guard lock{mutex};
      names.push_back(address.to_string());
    };
  }
  std::mutex mutex;
  std::vector<std::string> names;
};

TEST(Listeners, of_several_addresses_and_families) {
  Journal journal;
  journal.received = echo;
  PeerNames peers{journal};
  Options options;
  options.listen = {{.host = "127.0.0.1"}, {.host = "::1"}, {.host = "127.0.0.2"}, {.host = "localhost"}};
  LiveServer server{journal, options};
  ASSERT_EQ(server->listener_count(), 4U);
  EXPECT_EQ(server.counters().listeners_open, 4U);
  EXPECT_THROW(server->address(4), std::out_of_range);

  const std::vector<std::string> hosts{"127.0.0.1", "::1", "127.0.0.2", "127.0.0.1"};
  std::vector<std::string> expected;
  for (std::size_t index = 0; index < hosts.size(); ++index) {
    const Address address = server->address(index);
    EXPECT_NE(address.port, 0);
    const bool ipv6 = hosts[index] == "::1";
    EXPECT_EQ(address.to_string(), (ipv6 ? "[::1]:" : hosts[index] + ":") + std::to_string(address.port));
    Client client{address.port, {.host = hosts[index]}};
    EXPECT_EQ(client.echo("hello"), "hello");
    expected.push_back((ipv6 ? "[::1]:" : "127.0.0.1:") + std::to_string(client.port()));
  }
  server.stop();
  EXPECT_EQ(peers.names, expected);
}

TEST(Listeners, without_a_host_take_both_families) {
  Journal journal;
  journal.received = echo;
  PeerNames peers{journal};
  Options options;
  options.listen = {{}};
  LiveServer server{journal, options};
  EXPECT_EQ(server->address().to_string(), "[::]:" + std::to_string(server->port()));
  Client ipv4{server->port(), {.host = "127.0.0.1"}};
  EXPECT_EQ(ipv4.echo("four"), "four");
  Client ipv6{server->port(), {.host = "::1"}};
  EXPECT_EQ(ipv6.echo("six"), "six");
  server.stop();
  EXPECT_EQ(peers.names,
            (std::vector{"127.0.0.1:" + std::to_string(ipv4.port()), "[::1]:" + std::to_string(ipv6.port())}));
}

TEST(Listeners, of_ipv6_only_leave_the_port_to_ipv4) {
  Journal journal;
  journal.received = echo;
  Options options;
  options.listen = {{.host = "::", .ipv6_only = true}};
  LiveServer server{journal, options};
  EXPECT_THROW((Client{server->port(), {.host = "127.0.0.1"}}), std::runtime_error);
  EXPECT_EQ((Client{server->port(), {.host = "::1"}}).echo("six"), "six");

  Journal ipv4_journal;
  ipv4_journal.received = [](Connection connection, std::span<const std::byte>) { connection.send("four"); };
  LiveServer ipv4_server{ipv4_journal, {.port = server->port()}};
  EXPECT_EQ((Client{server->port(), {.host = "127.0.0.1"}}).echo("anyy"), "four");
  EXPECT_EQ((Client{server->port(), {.host = "::1"}}).echo("six"), "six");
}

TEST(Listeners, on_several_shards_all_take_clients) {
  Journal journal;
  journal.received = echo;
  Options options;
  options.shards = 2;
  options.listen = {{.host = "127.0.0.1"}, {.host = "::1"}};
  LiveServer server{journal, options};
  EXPECT_EQ(server.counters().listeners_open, 2U * accepting_threads(*server));
  std::map<unsigned, int> by_shard;
  for (int count = 0; count < 200; ++count) {
    EXPECT_EQ((Client{server->address(0).port}).echo("a"), "a");
    EXPECT_EQ((Client{server->address(1).port, {.host = "::1"}}).echo("b"), "b");
  }
  for (const Entry& entry : journal.all(Told::connect)) ++by_shard[entry.id.shard()];
  EXPECT_EQ(by_shard.size(), 2U) << "of 400 clients, none came to one of two shards";
}

TEST(Listeners, with_an_accept_thread_place_connections_evenly) {
  Journal journal;
  Options options;
  options.shards = 3;
  options.accept_thread = true;
  LiveServer server{journal, options};
  EXPECT_EQ(server.counters().listeners_open, 1U);
  EXPECT_EQ(server->shards(), 3U);
  std::vector<Client> clients;
  for (std::size_t count = 1; count <= 30; ++count) {
    clients.push_back(server.connect());
    journal.wait_for(Told::connect, count);
  }
  std::map<unsigned, int> by_shard;
  for (const Entry& entry : journal.all(Told::connect)) ++by_shard[entry.id.shard()];
  EXPECT_EQ(by_shard, (std::map<unsigned, int>{{0, 10}, {1, 10}, {2, 10}}));
}

TEST(Listeners, may_have_handlers_of_their_own) {
  Journal own;
  own.received = [](Connection connection, std::span<const std::byte>) { connection.send("own"); };
  Journal journal;
  journal.received = [](Connection connection, std::span<const std::byte>) { connection.send("all"); };
  Options options;
  options.listen = {{.host = "127.0.0.1"}, {.host = "127.0.0.1", .handler = &own}, {.host = "::1", .handler = &own}};
  Server server{on_loopback(options), journal};
  server.start();
  EXPECT_EQ((Client{server.address(0).port}).echo("who"), "all");
  EXPECT_EQ((Client{server.address(1).port}).echo("who"), "own");
  EXPECT_EQ((Client{server.address(2).port, {.host = "::1"}}).echo("who"), "own");
  own.wait_for(Told::disconnect, 2);
  journal.wait_for(Told::disconnect, 1);
  server.request_drain(std::chrono::milliseconds{0});
  server.wait();
  EXPECT_EQ(own.disorder() + journal.disorder(), "");
  EXPECT_EQ(journal.count(Told::server_close), 1U);
  EXPECT_EQ(own.count(Told::server_close), 1U) << "once, though it served two listeners";
}

/// What an accepted socket is like, read in on_connect.
struct Accepted {
  int nodelay, keepalive, keepalive_idle, receive_buffer, send_buffer;
  bool close_on_exec;
};

Accepted accepted_with(const Options& options) {
  Journal journal;
  Accepted seen{};
  journal.connected = [&](Connection connection) {
    const auto handle = static_cast<SocketHandle>(connection.native_handle());
    seen = {.nodelay = get_option(handle, IPPROTO_TCP, TCP_NODELAY),
            .keepalive = get_option(handle, SOL_SOCKET, SO_KEEPALIVE),
            .keepalive_idle = keepalive_idle_of(handle),
            .receive_buffer = get_option(handle, SOL_SOCKET, SO_RCVBUF),
            .send_buffer = get_option(handle, SOL_SOCKET, SO_SNDBUF),
            .close_on_exec = !is_inherited(handle)};
  };
  LiveServer server{journal, options};
  const Client client = server.connect();
  journal.wait_for(Told::connect);
  server.stop();
  return seen;
}

TEST(AcceptedSocket, by_default) {
  const Accepted seen = accepted_with({});
  EXPECT_EQ(seen.nodelay, 1);
  EXPECT_EQ(seen.keepalive, 0);
  EXPECT_TRUE(seen.close_on_exec);
}

TEST(AcceptedSocket, has_the_options_that_were_asked_for) {
  for (const bool accept_thread : {false, true}) {
    Options options;
    options.shards = 2;
    options.accept_thread = accept_thread;
    options.tcp_nodelay = false;
    options.keepalive = std::chrono::seconds{77};
    options.socket_receive_buffer = 20'000;
    options.socket_send_buffer = 30'000;
    const Accepted seen = accepted_with(options);
    EXPECT_EQ(seen.nodelay, 0);
    EXPECT_EQ(seen.keepalive, 1);
    EXPECT_EQ(seen.keepalive_idle, keepalive_idle_told ? 77 : 0);
    EXPECT_EQ(seen.receive_buffer, 20'000 * buffers_grow_by);
    EXPECT_EQ(seen.send_buffer, 30'000 * buffers_grow_by);
    EXPECT_TRUE(seen.close_on_exec);
  }
}

TEST(AcceptedSocket, of_a_drains_backlog_is_not_inherited_either) {
  Journal journal;
  bool close_on_exec = false;
  journal.connected = [&](Connection connection) {
    close_on_exec = !is_inherited(static_cast<SocketHandle>(connection.native_handle()));
  };
  Server server{on_loopback(), journal};
  const Client client{server.port()};
  server.request_drain(std::chrono::milliseconds{0});
  server.start();
  server.wait();
  EXPECT_TRUE(close_on_exec);
}

}  // namespace
}  // namespace iocpp::tests

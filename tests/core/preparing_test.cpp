// A stage before the handler: the PROXY protocol over a core without sockets.
#include <gtest/gtest.h>

#include <string>

#include "core/recorder.hpp"
#include "core/shard.hpp"
#include "simulator/proxy_headers.hpp"
#include "stage/proxy_stage.hpp"

namespace iocpp::core {
namespace {

using namespace std::chrono_literals;
using simulator::ipv4;
using simulator::proxy_block;
using simulator::proxy_line;
using Log = Recorder::Log;

class Preparing : public testing::Test {
 protected:
  static CoreConfig with(const Stages& stages) {
    CoreConfig config;
    config.stages = &stages;
    return config;
  }
  std::uint64_t failed(ProxyFailure why) {
    return shard.core().counters().proxy_failed[static_cast<std::size_t>(why)].get();
  }
  /// It is gone, nobody was told, and its handle is closed.
  void expect_failure(Connection connection, ProxyFailure why) {
    shard.run_out();
    EXPECT_TRUE(shard.wire(connection).closed);
    EXPECT_EQ(shard.slot(connection), nullptr);
    EXPECT_EQ(failed(why), 1U) << to_string(why);
    const ShardCounters& counters = shard.core().counters();
    EXPECT_EQ(counters.stage_failed.get(), 1U);
    EXPECT_EQ(counters.preparing.get(), 0U);
    EXPECT_EQ(counters.accepted.get(), 0U);
    EXPECT_EQ(recorder.connections(), 0U);
  }

  static constexpr std::size_t header_bytes_max = 300;
  const Address client = ipv4(192, 0, 2, 1, 56324);
  const Address server = ipv4(198, 51, 100, 7, 443);
  const stage::ProxyStages stages{{.trusted = {"10.0.0.0/8"}, .timeout = 3s, .header_bytes_max = header_bytes_max},
                                  {stage::ProxyStages::Trust::networks}};
  Recorder recorder;
  Shard shard{recorder, with(stages)};
};

TEST_F(Preparing, nobody_is_told_before_the_header_is_complete) {
  const Connection connection = shard.connect_by_proxy();
  const std::string line = proxy_line(client, server);
  shard.arrives(connection, std::string_view{line}.substr(0, line.size() - 1));
  EXPECT_EQ(recorder.connections(), 0U);
  EXPECT_EQ(shard.core().counters().preparing.get(), 1U);
  EXPECT_FALSE(connection.is_open());
  EXPECT_EQ(connection.proxy_header(), nullptr);
  shard.arrives(connection, "\n");
  EXPECT_EQ(recorder.log(connection), (Log{"connect"}));
  EXPECT_EQ(shard.core().counters().preparing.get(), 0U);
  EXPECT_EQ(shard.core().counters().connections_open.get(), 1U);
}

TEST_F(Preparing, the_payload_that_came_with_the_header_is_received_first) {
  const Connection connection = shard.connect_by_proxy();
  shard.arrives(connection, proxy_block(client, server) + "hello");
  shard.arrives(connection, " world");
  EXPECT_EQ(recorder.log(connection), (Log{"connect", "receive hello", "receive  world"}));
}

TEST_F(Preparing, every_split_of_header_and_payload_is_the_same_to_the_handler) {
  for (const std::string& header :
       {proxy_line(client, server), proxy_block(client, server, simulator::tlv(0xe0, "tlv"))}) {
    const std::string all = header + "payload";
    for (std::size_t first = 1; first < all.size(); ++first) {
      for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, all.size()}) {
        const Connection connection = shard.connect_by_proxy();
        shard.arrives(connection, all.substr(0, first));
        for (std::size_t at = first; at < all.size(); at += piece) shard.arrives(connection, all.substr(at, piece));
        ASSERT_EQ(recorder.received(connection), "payload") << first << ", " << piece;
        ASSERT_NE(connection.proxy_header(), nullptr);
        EXPECT_EQ(connection.proxy_header()->source, client);
        EXPECT_EQ(connection.proxy_header()->destination, server);
        EXPECT_EQ(connection.proxy_header()->tlv(0xe0).has_value(), header.front() == '\r');
      }
    }
  }
}

TEST_F(Preparing, the_peers_address_is_the_clients_until_on_disconnect) {
  Address at_end;
  recorder.disconnecting = [&](Connection connection, const Disconnect&) {
    EXPECT_FALSE(connection.peer_address(at_end));
  };
  const Connection connection = shard.connect_by_proxy();
  shard.arrives(connection, proxy_line(client, server));
  Address address;
  ASSERT_FALSE(connection.peer_address(address));
  EXPECT_EQ(address, client);
  ASSERT_FALSE(connection.proxy_address(address));
  EXPECT_NE(address, client);
  connection.abort();
  shard.turn();
  shard.run_out();
  EXPECT_EQ(at_end, client);
  EXPECT_EQ(connection.proxy_header(), nullptr);
}

TEST_F(Preparing, of_a_local_or_unknown_connection_the_address_is_the_proxys) {
  for (const std::string& header : {std::string{"PROXY UNKNOWN\r\n"}, proxy_block(0x20, 0x00, "")}) {
    const Connection connection = shard.connect_by_proxy();
    shard.arrives(connection, header);
    Address address, of_proxy;
    ASSERT_FALSE(connection.peer_address(address));
    ASSERT_FALSE(connection.proxy_address(of_proxy));
    EXPECT_EQ(address, of_proxy);
    EXPECT_EQ(connection.proxy_header()->local, header.front() == '\r');
  }
}

TEST_F(Preparing, a_connection_without_a_proxy_has_no_header) {
  const Connection connection = shard.connect();
  EXPECT_EQ(recorder.log(connection), (Log{"connect"}));
  EXPECT_EQ(connection.proxy_header(), nullptr);
}

/// CVE-2021-22883: the handle was leaked when the negotiation failed.
TEST_F(Preparing, a_bad_first_byte_closes_the_handle) {
  const Connection connection = shard.connect_by_proxy();
  shard.arrives(connection, "G");
  expect_failure(connection, ProxyFailure::not_a_header);
  EXPECT_TRUE(shard.wire(connection).reset);
}

TEST_F(Preparing, what_follows_a_failure_is_dropped) {
  const Connection connection = shard.connect_by_proxy();
  shard.in_one_turn([&] {
    shard.arrives(connection, "GET / HTTP/1.1\r\n");
    shard.arrives(connection, proxy_line(client, server));
  });
  expect_failure(connection, ProxyFailure::not_a_header);
}

TEST_F(Preparing, who_never_finishes_is_gone_in_time_whatever_it_sends) {
  const Connection connection = shard.connect_by_proxy();
  for (const char byte : std::string_view{"PROXY TCP4"}) {
    shard.arrives(connection, std::string{byte});
    shard.pass(299ms);
  }
  EXPECT_NE(shard.slot(connection), nullptr);
  shard.pass(20ms);
  expect_failure(connection, ProxyFailure::timed_out);
}

TEST_F(Preparing, a_header_that_was_in_time_leaves_no_deadline) {
  const Connection connection = shard.connect_by_proxy();
  shard.pass(2990ms);
  shard.arrives(connection, proxy_line(client, server));
  shard.pass(1h);
  EXPECT_EQ(recorder.log(connection), (Log{"connect"}));
}

TEST_F(Preparing, a_longer_header_than_allowed_fails_before_it_is_there) {
  const Connection connection = shard.connect_by_proxy();
  const std::string header = proxy_block(client, server, simulator::tlv(0x04, std::string(header_bytes_max, 'x')));
  shard.arrives(connection, header.substr(0, 16));
  expect_failure(connection, ProxyFailure::header_too_long);
}

TEST_F(Preparing, a_client_that_leaves_is_closed) {
  const Connection connection = shard.connect_by_proxy();
  shard.arrives(connection, "PROXY ");
  shard.peer_ends(connection);
  expect_failure(connection, ProxyFailure::peer_left);
  EXPECT_FALSE(shard.wire(connection).reset);
}

TEST_F(Preparing, a_reset_closes_it) {
  const Connection connection = shard.connect_by_proxy();
  shard.receive_fails(connection, econnreset);
  expect_failure(connection, ProxyFailure::peer_left);
}

TEST_F(Preparing, a_want_of_buffers_is_waited_for) {
  const Connection connection = shard.connect_by_proxy();
  for (int times = 0; times < 5; ++times) {
    shard.receive_fails(connection, no_buffers);
    shard.pass(100ms);
  }
  shard.arrives(connection, proxy_line(client, server));
  EXPECT_EQ(recorder.log(connection), (Log{"connect"}));
}

TEST_F(Preparing, a_drain_ends_it_at_once_and_does_not_count_it) {
  const Connection connection = shard.connect_by_proxy();
  shard.core().begin_drain();
  shard.turn();
  expect_failure(connection, ProxyFailure::draining);
  const DrainReport& report = shard.core().drain().report();
  EXPECT_EQ(report.idle_closed + report.finished + report.cut + report.failed, 0U);
}

TEST_F(Preparing, who_comes_during_a_drain_is_ended_at_once) {
  shard.core().begin_drain();
  const Connection connection = shard.connect_by_proxy();
  expect_failure(connection, ProxyFailure::draining);
}

TEST_F(Preparing, a_handler_that_pauses_in_on_connect_gets_the_payload_later) {
  recorder.connecting = [](Connection connection) { connection.pause_receive(); };
  const Connection connection = shard.connect_by_proxy();
  shard.arrives(connection, proxy_line(client, server) + "payload");
  EXPECT_EQ(recorder.log(connection), (Log{"connect"}));
  connection.resume_receive();
  shard.turn();
  EXPECT_EQ(recorder.received(connection), "payload");
}

TEST_F(Preparing, a_handler_that_closes_or_throws_in_on_connect_gets_no_payload) {
  recorder.connecting = [](Connection connection) { connection.close(); };
  const Connection closed = shard.connect_by_proxy();
  shard.arrives(closed, proxy_line(client, server) + "payload");
  recorder.connecting = [](Connection) { throw 1; };
  const Connection threw = shard.connect_by_proxy();
  shard.arrives(threw, proxy_line(client, server) + "payload");
  shard.run_out();
  EXPECT_EQ(recorder.received(closed), "");
  EXPECT_EQ(recorder.log(threw), (Log{"connect", "disconnect handler_threw"}));
}

TEST_F(Preparing, payload_and_the_end_in_one_turn_come_in_order) {
  const Connection connection = shard.connect_by_proxy();
  shard.in_one_turn([&] {
    shard.arrives(connection, proxy_line(client, server) + "payload");
    shard.peer_ends(connection);
  });
  EXPECT_EQ(recorder.log(connection), (Log{"connect", "receive payload", "peer_shutdown", "disconnect peer_closed"}));
}

TEST_F(Preparing, the_first_bytes_deadline_counts_from_the_header_and_is_not_met_by_it) {
  CoreConfig config = with(stages);
  config.deadlines.first_byte = 1s;
  Recorder waiting;
  Shard shard_of_deadlines{waiting, config};
  const Connection connection = shard_of_deadlines.connect_by_proxy();
  shard_of_deadlines.pass(2s);
  shard_of_deadlines.arrives(connection, proxy_line(client, server));
  shard_of_deadlines.pass(900ms);
  EXPECT_TRUE(connection.is_open());
  shard_of_deadlines.pass(200ms);
  shard_of_deadlines.run_out();
  EXPECT_TRUE(waiting.ended(connection));
  const Connection in_time = shard_of_deadlines.connect_by_proxy();
  shard_of_deadlines.arrives(in_time, proxy_line(client, server) + "first");
  shard_of_deadlines.pass(1h);
  EXPECT_TRUE(in_time.is_open());
}

TEST_F(Preparing, the_limits_for_addresses_are_the_clients) {
  Recorder behind;
  Shard limited{behind, with(stages), {.connections_max = 100, .connections_per_address = 1}};
  const Connection first = limited.connect_by_proxy();
  limited.arrives(first, proxy_line(client, server));
  const Connection second = limited.connect_by_proxy();
  limited.arrives(second, proxy_line(client, server) + "payload");
  limited.run_out();
  EXPECT_EQ(behind.connections(), 1U);
  const auto of_address = static_cast<std::size_t>(Refusal::connections_per_address);
  EXPECT_EQ(limited.core().counters().refused_for[of_address].get(), 1U);
  EXPECT_EQ(limited.core().counters().preparing.get(), 0U);
  const Connection other = limited.connect_by_proxy();
  limited.arrives(other, proxy_line(ipv4(192, 0, 2, 2, 1), server));
  EXPECT_TRUE(other.is_open());
  first.abort();
  limited.turn();
  limited.run_out();
  const Connection again = limited.connect_by_proxy();
  limited.arrives(again, proxy_line(client, server));
  EXPECT_TRUE(again.is_open());
}

}  // namespace
}  // namespace iocpp::core

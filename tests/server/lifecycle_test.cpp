// A connection's life: what is called, in which order, and why it ended.
#include <gtest/gtest.h>

#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

std::vector<Told> calls_of(const Journal& journal, ConnectionId id) {
  std::vector<Told> calls;
  for (const Entry& entry : journal.everything()) {
    if (entry.id == id) calls.push_back(entry.what);
  }
  return calls;
}

TEST(Connection, is_told_from_connect_to_disconnect) {
  Journal journal;
  journal.received = echo;
  LiveServer server{journal};
  Client client = server.connect();
  EXPECT_EQ(client.echo("hello"), "hello");
  client.end_stream();
  EXPECT_EQ(client.end(), Ending::in_order);
  const Entry end = journal.wait_for(Told::disconnect);
  EXPECT_EQ(calls_of(journal, end.id),
            (std::vector{Told::connect, Told::receive, Told::sent, Told::peer_shutdown, Told::disconnect}));
  EXPECT_EQ(end.end.reason, DisconnectReason::peer_closed);
  EXPECT_EQ(end.end.error, std::error_code{});
  EXPECT_EQ(end.end.unsent_bytes, 0U);
}

TEST(Connection, that_says_nothing_is_told_too) {
  Journal journal;
  LiveServer server{journal};
  server.connect().close();
  const Entry end = journal.wait_for(Told::disconnect);
  EXPECT_EQ(calls_of(journal, end.id), (std::vector{Told::connect, Told::peer_shutdown, Told::disconnect}));
  EXPECT_EQ(end.end.reason, DisconnectReason::peer_closed);
}

TEST(Connection, reset_by_its_peer) {
  Journal journal;
  journal.received = echo;
  LiveServer server{journal};
  Client client = server.connect();
  EXPECT_EQ(client.echo("hello"), "hello");
  client.reset();
  const Entry end = journal.wait_for(Told::disconnect);
  if (end.end.reason == DisconnectReason::peer_closed && !resets_are_told())
    GTEST_SKIP() << "this system tells a reset as an end in order (Wine)";
  EXPECT_EQ(end.end.reason, DisconnectReason::peer_reset);
  EXPECT_EQ(end.end.error, errc::connection_reset);
  EXPECT_EQ(journal.count(Told::peer_shutdown), 0U);
}

TEST(Connection, reset_by_a_peer_that_leaves_bytes_unread) {
#ifdef _WIN32
  GTEST_SKIP() << "Wine 8 never ends a WSASend that is posted after it saw the peer's reset (docs/BACKENDS.md)";
#endif
  Journal journal;
  journal.connected = [](Connection connection) { connection.send(std::string(16U << 20, 'x')); };
  LiveServer server{journal};
  Client client = server.connect();
  EXPECT_EQ(client.receive(1000).size(), 1000U);
  client.close();
  const Entry end = journal.wait_for(Told::disconnect);
  EXPECT_EQ(end.end.reason, DisconnectReason::peer_reset);
  EXPECT_GT(end.end.unsent_bytes, 0U);
}

TEST(Connection, closed_here) {
  Journal journal;
  journal.received = [](Connection connection, std::span<const std::byte>) {
    connection.send("goodbye");
    connection.close();
    EXPECT_FALSE(connection.is_open());
    EXPECT_TRUE(connection.send("more").closed);
  };
  LiveServer server{journal};
  Client client = server.connect();
  client.send("hello");
  std::string all;
  EXPECT_EQ(client.end(&all), Ending::in_order);
  EXPECT_EQ(all, "goodbye");
  client.close();
  const Entry end = journal.wait_for(Told::disconnect);
  EXPECT_EQ(end.end.reason, DisconnectReason::local_close);
  EXPECT_EQ(end.end.error, std::error_code{});
  EXPECT_EQ(journal.count(Told::peer_shutdown), 0U) << "after close() the peer's end is no news";
}

TEST(Connection, aborted_here) {
  Journal journal;
  constexpr std::size_t queued = 16U << 20;
  journal.received = [](Connection connection, std::span<const std::byte>) {
    connection.send(std::string(queued, 'x'));
    connection.abort();
    EXPECT_FALSE(connection.is_open());
    EXPECT_TRUE(connection.send("more").closed);
  };
  LiveServer server{journal};
  Client client = server.connect();
  client.send("hello");
  EXPECT_PRED1(is_reset, client.end());
  const Entry end = journal.wait_for(Told::disconnect);
  EXPECT_EQ(end.end.reason, DisconnectReason::local_abort);
  EXPECT_EQ(end.end.unsent_bytes, queued);
}

TEST(Connection, handle_answers_closed_after_its_end) {
  Journal journal;
  Connection kept;
  journal.connected = [&](Connection connection) {
    if (!kept.id()) kept = connection;
  };
  LiveServer server{journal};
  server.connect().close();
  journal.wait_for(Told::disconnect);
  ASSERT_TRUE(eventually([&] { return server.counters().connections_open == 0; }));
  server.on_shard([&] {
    Address address;
    EXPECT_FALSE(kept.is_open());
    EXPECT_TRUE(kept.send("x").closed);
    EXPECT_TRUE(kept.send(bytes_of("x")).closed);
    EXPECT_TRUE(kept.send(std::make_shared<const std::vector<std::byte>>(bytes_of("x"))).closed);
    EXPECT_EQ(kept.send_queue_bytes(), 0U);
    EXPECT_EQ(kept.native_handle(), -1);
    EXPECT_EQ(kept.peer_address(address), errc::closed);
    EXPECT_EQ(kept.context<int>(), nullptr);
    EXPECT_THROW(kept.emplace_context<int>(1), std::system_error);
    kept.shutdown_send();
    kept.pause_receive();
    kept.resume_receive();
    kept.close();
    kept.abort();
  });
  // A new connection in the same slot is not the old one.
  Client next = server.connect();
  const ConnectionId id = journal.wait_for(Told::connect, 2).id;
  server.on_shard([&] { kept.abort(); });
  EXPECT_NE(id, journal.all(Told::connect).front().id);
  server.on_shard([&] { EXPECT_TRUE(server->connection(id).is_open()); });
}

TEST(Connection, sends_in_order_whatever_holds_the_bytes) {
  Journal journal;
  const auto shared = std::make_shared<const std::vector<std::byte>>(bytes_of(pattern(100'000, 3)));
  journal.connected = [&](Connection connection) {
    for (int round = 0; round < 50; ++round) {
      EXPECT_TRUE(connection.send("text").queued);
      EXPECT_TRUE(connection.send(bytes_of(pattern(5'000, 2))).queued);
      EXPECT_TRUE(connection.send(shared).queued);
      EXPECT_TRUE(connection.send(std::string_view{}).queued);
      EXPECT_TRUE(connection.send(SharedBytes{}).queued);
      EXPECT_TRUE(connection.send(std::vector<std::byte>{}).queued);
    }
    connection.close();
  };
  LiveServer server{journal};
  Client client = server.connect();
  std::string round = "text" + pattern(5'000, 2) + pattern(100'000, 3);
  std::string all;
  EXPECT_EQ(client.end(&all), Ending::in_order);
  ASSERT_EQ(all.size(), 50 * round.size());
  for (std::size_t at = 0; at < 50; ++at)
    EXPECT_TRUE(all.compare(at * round.size(), round.size(), round) == 0) << "round " << at;
  client.close();
  journal.wait_for(Told::disconnect);
  EXPECT_EQ(shared.use_count(), 1) << "shared bytes are freed after the last send";
}

struct Layout {
  unsigned shards;
  bool accept_thread;
};
class Resets : public ::testing::TestWithParam<Layout> {};

TEST_P(Resets, right_after_connecting_never_stop_the_accepting) {
  Journal journal;
  journal.received = echo;
  LiveServer server{journal, {.shards = GetParam().shards, .accept_thread = GetParam().accept_thread}};
  constexpr std::size_t resets = 4'000;
  for (std::size_t count = 0; count < resets; ++count) server.connect().reset();

  EXPECT_EQ(server.connect().echo("still accepting"), "still accepting");
  ASSERT_TRUE(eventually([&] {
    const Counters now = server.counters();
    return disconnected_in_all(now) + now.accept_dropped == resets + 1;
  }));
  const Counters counters = server.counters();
  EXPECT_EQ(counters.accepted + counters.accept_dropped, resets + 1);
  const std::uint64_t told_as_ends = resets_are_told() ? 0 : disconnected(counters, DisconnectReason::peer_closed) - 1;
  EXPECT_EQ(disconnected(counters, DisconnectReason::peer_reset) + told_as_ends, counters.accepted - 1);
  EXPECT_EQ(counters.shed + counters.refused, 0U);
  const std::uint64_t loops = GetParam().accept_thread ? 1U : accepting_threads(*server);
  // A multishot accept goes on; a single one is posted once for each outcome, at the end of its turn.
  EXPECT_TRUE(eventually([&] {
    const Counters now = server.counters();
    const std::uint64_t singles = now.accepted + now.accept_dropped + now.accepts_in_flight;
    return now.accept_attempts == (now.accepts_in_flight == loops ? loops : singles);
  })) << server.counters().accept_attempts;
}

INSTANTIATE_TEST_SUITE_P(Layouts, Resets, ::testing::Values(Layout{1, false}, Layout{2, false}, Layout{2, true}));

TEST(Connection, of_a_client_that_has_left_already_has_no_peer_address) {
  Journal journal;
  std::error_code error;
  journal.connected = [&](Connection connection) {
    Address address;
    error = connection.peer_address(address);
  };
  Server server{on_loopback(), journal};
  Client{server.port()}.reset();
  server.start();
  ASSERT_TRUE(eventually([&] { return server.counters().accepted + server.counters().accept_dropped == 1; }));
  if (server.counters().accept_dropped == 1) GTEST_SKIP() << "this system's accept fails for such a client";
  journal.wait_for(Told::disconnect);
  server.request_drain(std::chrono::milliseconds{0});
  server.wait();
  EXPECT_EQ(error, errc::not_connected) << error.message();
}

}  // namespace
}  // namespace iocpp::tests

// Deadlines, timers and the cap for all queues, on real sockets and in real time: that they end who they should. When
// exactly is for tests/core, where time is at hand.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "server/echo_load.hpp"
#include "server/gate.hpp"
#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kib = 1024;

/// What is not short can't be over in any test.
constexpr std::chrono::hours a_day{24};

TEST(Deadlines, a_silent_client_is_reset) {
  Journal journal;
  LiveServer server{journal, {.deadlines = {.idle = 30ms, .lifetime = a_day}}};
  Client client = server.connect();
  EXPECT_PRED1(is_reset, client.end());
  const Entry end = journal.wait_for(Told::disconnect);
  EXPECT_EQ(end.end.reason, DisconnectReason::idle_timeout);
  EXPECT_EQ(end.end.error, errc::timed_out);
}

TEST(Deadlines, a_client_that_does_not_read_is_reset) {
  Journal journal;
  journal.connected = [](Connection connection) { connection.send(std::string(32 * 1024 * kib, 'q')); };
  LiveServer server{journal, {.deadlines = {.write = 50ms}}};
  Client client = server.connect({.receive_buffer = 4 * kib});
  const Entry end = journal.wait_for(Told::disconnect);
  EXPECT_EQ(end.end.reason, DisconnectReason::min_rate);
  EXPECT_GT(end.end.unsent_bytes, 0U);
  EXPECT_PRED1(is_reset, client.end());
}

TEST(Deadlines, a_message_that_trickles_ends_its_connection_and_no_other) {
  Journal journal;
  journal.received = [](Connection connection, std::span<const std::byte> bytes) {
    if (text_of(bytes) == "slow") connection.begin_message();
    connection.send(bytes);
  };
  LiveServer server{journal, {.deadlines = {.min_rate_bytes = 1'000'000, .min_rate_grace = 50ms}}};
  Client other = server.connect();
  Client slow = server.connect();
  EXPECT_EQ(slow.echo("slow"), "slow");
  slow.end();
  EXPECT_EQ(journal.wait_for(Told::disconnect).end.reason, DisconnectReason::min_rate);
  EXPECT_EQ(other.echo("still here"), "still here");
}

TEST(Deadlines, a_lifetime_ends_a_client_that_is_busy) {
  Journal journal;
  journal.received = echo;
  LiveServer server{journal, {.deadlines = {.lifetime = 50ms}}};
  Client client = server.connect();
  while (client.send_until_refused("x") == 1 && client.receive(1).size() == 1) {
  }
  EXPECT_EQ(journal.wait_for(Told::disconnect).end.reason, DisconnectReason::lifetime);
}

TEST(Deadlines, of_a_public_server_end_nobody_who_is_served) {
  Journal journal;
  journal.received = echo;
  Options options = Options::public_internet();
  options.shards = 2;
  LiveServer server{journal, options};
  EXPECT_EQ(run_echo_load(server->port(), {.connections = 50, .message_bytes = 16 * kib, .depth = 4, .messages = 20}),
            "");
}

TEST(Deadlines, presets_are_within_their_ranges) {
  EXPECT_EQ(Options::trusted_network().deadlines.idle, 0ms);
  const Deadlines deadlines = Options::public_internet().deadlines;
  EXPECT_EQ(deadlines.first_byte, 0ms) << "some servers speak first";
  EXPECT_NE(deadlines.idle, 0ms);
  EXPECT_NE(deadlines.min_rate_bytes, 0U);
}

TEST(ConnectionTimer, calls_until_it_is_cancelled) {
  Journal journal;
  std::atomic<int> calls{0};
  journal.connected = [](Connection connection) { connection.start_timer(1ms); };
  journal.timer = [&](Connection connection) {
    if (++calls < 3) return connection.start_timer(1ms);
    connection.start_timer(1ms);
    connection.cancel_timer();
    connection.send("done");
  };
  LiveServer server{journal};
  Client client = server.connect();
  EXPECT_EQ(client.receive(4), "done");
  client.end_stream();
  client.end();
  journal.wait_for(Told::disconnect);
  EXPECT_EQ(calls, 3);
}

TEST(PostAfter, runs_a_task_on_its_shard_in_its_time) {
  Journal journal;
  LiveServer server{journal, {.shards = 2}};
  Gate ran;
  std::thread::id shard;
  std::chrono::steady_clock::time_point at;
  const auto asked = std::chrono::steady_clock::now();
  ASSERT_FALSE(server->post_after(1, 30ms, [&] {
    shard = std::this_thread::get_id();
    at = std::chrono::steady_clock::now();
    ran.open();
  }));
  EXPECT_TRUE(ran.wait());
  EXPECT_GE(at - asked, 30ms);
  std::thread::id expected;
  server.on_shard([&] { expected = std::this_thread::get_id(); }, 1);
  EXPECT_EQ(shard, expected);
}

TEST(PostAfter, does_not_hold_up_the_end_and_is_destroyed_unrun) {
  Journal journal;
  const auto witness = std::make_shared<bool>(false);
  {
    LiveServer server{journal};
    for (int count = 0; count < 100; ++count)
      ASSERT_FALSE(server->post_after(0, a_day, [witness] { *witness = true; }));
    server.on_shard([] {});
    EXPECT_EQ(witness.use_count(), 101);
    server.stop();
    EXPECT_EQ(witness.use_count(), 1);
    EXPECT_EQ(server->post_after(0, 0ms, [] {}), errc::closed);
    EXPECT_EQ(server->post_after(7, 0ms, [] {}), errc::invalid_argument);
  }
  EXPECT_FALSE(*witness);
}

TEST(PostAfter, a_task_that_throws_is_counted) {
  Journal journal;
  LiveServer server{journal};
  ASSERT_FALSE(server->post_after(0, 0ms, [] { throw std::runtime_error{"x"}; }));
  EXPECT_TRUE(eventually([&] { return server.counters().handler_exceptions == 1; }));
}

TEST(TotalCap, peers_that_never_read_cost_no_more_than_it) {
  Journal journal;
  Options options;
  options.send_queue_bytes_high = options.send_queue_bytes_low = 64 * kib;
  options.send_queue_bytes_max = 512 * kib;
  options.send_queue_bytes_max_total = 2 * 1024 * kib;
  options.socket_send_buffer = 8 * kib;
  std::vector<Connection> connections;
  journal.connected = [&](Connection connection) {
    connections.push_back(connection);
    while (connection.send_queue_bytes() <= 256 * kib && connection.send(std::string(16 * kib, 'q'))) {
    }
  };
  LiveServer server{journal, options};
  std::vector<Client> deaf;
  for (int count = 0; count < 40; ++count) deaf.push_back(server.connect({.receive_buffer = 4 * kib}));
  EXPECT_TRUE(eventually([&] { return server.counters().accepted == 40; }));
  std::size_t queued = 0;
  server.on_shard([&] {
    for (const Connection connection : connections) queued += connection.send_queue_bytes();
  });
  EXPECT_LE(queued, options.send_queue_bytes_max_total);
  EXPECT_GT(server.counters().send_total_overflows, 0U);
}

}  // namespace
}  // namespace iocpp::tests

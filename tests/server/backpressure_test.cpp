// Peers that read slowly, receiving that pauses, and what is kept meanwhile.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "server/echo_load.hpp"
#include "server/gate.hpp"
#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

constexpr std::size_t kib = 1024;

Options small_watermarks() {
  Options options;
  options.socket_send_buffer = 8 * kib;
  options.receive_ring_bytes = options.receive_ring_bytes_max = 64 * kib;
  options.send_queue_bytes_high = 8 * kib;
  options.send_queue_bytes_low = 2 * kib;
  return options;
}

/// Echoes, and notes how long the queue was.
struct WatchedEcho {
  explicit WatchedEcho(Journal& journal) {
    journal.received = [this](Connection connection, std::span<const std::byte> bytes) {
      if (connection.send(bytes).above_high_watermark) above.open();
      longest = std::max<std::size_t>(longest, connection.send_queue_bytes());
    };
  }
  Gate above;
  std::atomic<std::size_t> longest{0};
};

class Backpressure : public ::testing::TestWithParam<bool> {};

TEST_P(Backpressure, slow_reader_gets_every_byte_and_bounds_the_queue) {
  Journal journal;
  WatchedEcho echo{journal};
  Options options = small_watermarks();
  options.accept_thread = GetParam();
  LiveServer server{journal, options};
  Client client = server.connect({.receive_buffer = 16 * kib, .send_buffer = 16 * kib});
  const std::string bytes = pattern(1'024 * kib);
  std::thread writer{[&] {
    client.send(bytes);
    client.end_stream();
  }};
  EXPECT_TRUE(echo.above.wait());

  // Pieces of a few bytes first, so that the server's sends go out in parts, then larger ones.
  std::minstd_rand random{7};
  std::string back;
  while (back.size() < bytes.size()) {
    const std::size_t most = back.size() < 64 * kib ? 700 : 16 * kib;
    const std::string piece = client.receive_some(1 + random() % most);
    if (piece.empty()) break;
    back += piece;
  }
  writer.join();

  EXPECT_EQ(client.end(), Ending::in_order);
  EXPECT_TRUE(back == bytes) << "wrong bytes among " << back.size();
  EXPECT_EQ(journal.wait_for(Told::disconnect).end.reason, DisconnectReason::peer_closed);
  EXPECT_GE(journal.count(Told::writable), 1U);
  // One call may add what lies together: a part of the receive ring, or a block of what was kept while it was paused.
  EXPECT_LE(echo.longest.load(), options.send_queue_bytes_high + 64 * kib);
}

INSTANTIATE_TEST_SUITE_P(AcceptThread, Backpressure, ::testing::Values(false, true));

TEST(SmallWatermarks, many_connections_get_every_byte) {
  Journal journal;
  WatchedEcho echo{journal};
  Options options = small_watermarks();
  options.shards = 2;
  LiveServer server{journal, options};
  EXPECT_EQ(run_echo_load(server->port(), {.connections = 50, .message_bytes = 32 * kib, .depth = 8, .messages = 8}),
            "");
  EXPECT_TRUE(echo.above.wait());
}

TEST(SendQueue, on_writable_comes_at_the_low_mark_after_the_high_one) {
  Journal journal;
  Options options = small_watermarks();
  options.socket_send_buffer = 0;
  std::vector<SendResult> results;
  std::size_t at_writable = 0;
  journal.connected = [&](Connection connection) {
    for (int count = 0; count < 3; ++count) results.push_back(connection.send(std::string(4 * kib, 'x')));
  };
  journal.writable = [&](Connection connection) { at_writable = connection.send_queue_bytes(); };
  LiveServer server{journal, options};
  Client client = server.connect();
  EXPECT_EQ(client.receive(12 * kib).size(), 12 * kib);
  journal.wait_for(Told::writable);
  server.stop();

  ASSERT_EQ(results.size(), 3U);
  EXPECT_FALSE(results[0].above_high_watermark);
  EXPECT_FALSE(results[1].above_high_watermark) << "8 KiB is at the mark, not above it";
  EXPECT_TRUE(results[2].above_high_watermark);
  EXPECT_TRUE(results[2].queued);
  EXPECT_LE(at_writable, options.send_queue_bytes_low);
  EXPECT_EQ(journal.count(Told::writable), 1U);
}

TEST(SendQueue, keeps_receiving_above_the_high_mark_where_asked_to) {
  Journal journal;
  Options options = small_watermarks();
  options.pause_receive_above_high = false;
  journal.received = echo;
  LiveServer server{journal, options};
  Client client = server.connect({.receive_buffer = 4 * kib});
  const std::string bytes = pattern(512 * kib);
  client.send(bytes);  // returns without anything read: the server takes it all
  EXPECT_TRUE(client.wait_until_delivered());
  EXPECT_TRUE(journal.wait_for_bytes(journal.wait_for(Told::connect).id, bytes.size()));
  client.end_stream();
  std::string back;
  EXPECT_EQ(client.end(&back), Ending::in_order);
  EXPECT_TRUE(back == bytes);
}

TEST(SendQueue, past_the_hard_cap_ends_the_connection_and_no_other) {
  Journal journal;
  Options options;
  options.send_queue_bytes_high = options.send_queue_bytes_low = 16 * kib;
  options.send_queue_bytes_max = 64 * kib;
  SendResult over;
  SendResult after;
  journal.received = [&](Connection connection, std::span<const std::byte> bytes) {
    if (text_of(bytes) != "more") return echo(connection, bytes);
    EXPECT_TRUE(connection.send(std::string(64 * kib, 'x')).queued) << "the cap itself is allowed";
    over = connection.send("x");
    after = connection.send("x");
  };
  LiveServer server{journal, options};
  Client other = server.connect();
  Client client = server.connect();
  client.send("more");
  const Entry end = journal.wait_for(Told::disconnect);
  EXPECT_EQ(end.end.reason, DisconnectReason::send_overflow);
  EXPECT_TRUE(over.overflow);
  EXPECT_FALSE(over.queued);
  EXPECT_TRUE(after.closed);
  EXPECT_PRED1(is_reset, client.end());
  EXPECT_EQ(other.echo("still here"), "still here");
}

TEST(PauseReceive, holds_everything_back_until_resumed_and_loses_nothing) {
  Journal journal;
  Gate more_is_there;
  Connection paused;
  journal.received = [&](Connection connection, std::span<const std::byte>) {
    if (journal.count(Told::receive) != 1) return;
    paused = connection;
    connection.pause_receive();
    more_is_there.wait();
  };
  LiveServer server{journal};
  Client client = server.connect();
  const std::string bytes = pattern(48 * kib);
  client.send(std::string_view{bytes}.substr(0, 10));
  const ConnectionId id = journal.wait_for(Told::receive).id;
  const std::size_t first = journal.received_from(id).size();
  // The rest and the end of the stream are in the server's socket before the cancel of the receive is posted: some of
  // it is on its way already.
  client.send(std::string_view{bytes}.substr(10));
  client.end_stream();
  EXPECT_TRUE(client.wait_until_delivered());
  more_is_there.open();
  for (int turn = 0; turn < 20; ++turn) server.on_shard([] {});
  EXPECT_EQ(journal.received_from(id).size(), first);
  EXPECT_EQ(journal.count(Told::peer_shutdown), 0U);

  server.on_shard([&] { paused.resume_receive(); });
  journal.wait_for(Told::disconnect);
  EXPECT_TRUE(journal.received_from(id) == bytes);
  EXPECT_EQ(journal.count(Told::peer_shutdown), 1U);
}

TEST(PauseReceive, again_from_inside_what_was_kept) {
  Journal journal;
  journal.received = [](Connection connection, std::span<const std::byte> bytes) {
    connection.pause_receive();
    connection.send(bytes);
  };
  journal.sent = [](Connection connection, std::size_t) { connection.resume_receive(); };
  LiveServer server{journal, {.receive_ring_bytes = 64 * kib, .receive_ring_bytes_max = 64 * kib}};
  EXPECT_EQ(run_echo_load(server->port(), {.connections = 20, .message_bytes = 64 * kib, .depth = 4, .messages = 8}),
            "");
}

}  // namespace
}  // namespace iocpp::tests

// Receive buffers that run out: nothing is lost, and nothing is taken for an end of stream.
#include <gtest/gtest.h>

#include "server/echo_load.hpp"
#include "server/gate.hpp"
#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

constexpr std::size_t kib = 1024;

/// Sends of all clients lie in the server's sockets while its only thread is held: more than the ring has room for, at
/// once.
void run_out_of_buffers(const Options& options) {
  Journal journal;
  Gate all_sent;
  std::atomic<bool> held{false};
  journal.received = [&](Connection connection, std::span<const std::byte> bytes) {
    if (!held.exchange(true)) all_sent.wait();
    connection.send(bytes);
  };
  LiveServer server{journal, options};
  constexpr std::size_t clients = 60;
  const std::string bytes = pattern(24 * kib);
  std::vector<Client> all;
  for (std::size_t index = 0; index < clients; ++index) all.push_back(server.connect());
  journal.wait_for(Told::connect, clients);
  for (Client& client : all) client.send(bytes);
  for (Client& client : all) EXPECT_TRUE(client.wait_until_delivered());
  for (Client& client : all) client.end_stream();
  all_sent.open();
  for (Client& client : all) {
    std::string back;
    EXPECT_EQ(client.end(&back), Ending::in_order);
    EXPECT_TRUE(back == bytes) << back.size() << " bytes came back";
  }
  journal.wait_for(Told::disconnect, clients);
  EXPECT_GT(server.counters().receive_buffers_empty, 0U);
  EXPECT_EQ(disconnected(server.counters(), DisconnectReason::peer_closed), clients);
}

TEST(ReceiveBuffers, run_out_and_may_not_grow) {
  run_out_of_buffers({.receive_ring_bytes = 64 * kib, .receive_ring_bytes_max = 64 * kib});
}

TEST(ReceiveBuffers, run_out_and_grow) {
  run_out_of_buffers({.receive_ring_bytes = 64 * kib, .receive_ring_bytes_max = 1'024 * kib});
}

TEST(ReceiveBuffers, of_the_smallest_ring_serve_many_connections) {
  Journal journal;
  journal.received = echo;
  LiveServer server{journal, {.shards = 2, .receive_ring_bytes = 64 * kib, .receive_ring_bytes_max = 64 * kib}};
  EXPECT_EQ(run_echo_load(server->port(), {.connections = 200, .message_bytes = 16 * kib, .depth = 4, .messages = 8}),
            "");
}

}  // namespace
}  // namespace iocpp::tests

// At rest the counters add up, and they say what the clients saw.
#include <gtest/gtest.h>

#include <set>

#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

TEST(Counters, have_names_of_their_own) {
  std::set<std::string_view> names;
  std::set<std::uint64_t> values;
  Counters counters;
  std::uint64_t next = 0;
  for (const NamedCounter& each : named_counters) counters.*each.number = ++next;
  for (const NamedCounter& each : named_counters) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
    EXPECT_TRUE(values.insert(counters.*each.number).second) << each.name << " is another one's number";
  }
  EXPECT_EQ(counters.accepted, 1U);
  EXPECT_EQ(counters.listeners_paused, named_counters.size());
}

TEST(Counters, add_up_at_rest) {
  Journal journal;
  journal.received = [](Connection connection, std::span<const std::byte> bytes) {
    const std::string text = text_of(bytes);
    if (text == "abort") return connection.abort();
    if (text == "throw") throw std::runtime_error(text);
    connection.send(bytes);
    if (text == "close") connection.close();
  };
  LiveServer server{journal, {.shards = 2}};
  std::size_t clients = 0;
  std::size_t bytes = 0;
  std::vector<Client> open;
  for (int round = 0; round < 20; ++round) {
    for (const char* text : {"abort", "throw", "close", "leave", "reset", "stay"}) {
      Client client = server.connect();
      ++clients;
      bytes += std::strlen(text);
      client.send(text);
      const bool answered = client.receive(std::strlen(text)).size() == std::strlen(text);
      EXPECT_EQ(answered, std::set<std::string>({"close", "leave", "reset", "stay"}).contains(text)) << text;
      if (std::string{"reset"} == text) client.reset();
      if (std::string{"stay"} == text) open.push_back(std::move(client));
    }
  }
  // A client may have bytes before the server hears that they were sent.
  const std::size_t answered_bytes = bytes - 20 * 10;
  ASSERT_TRUE(eventually([&] {
    return server.counters().connections_open == open.size() && server.counters().bytes_sent >= answered_bytes;
  }));
  const Counters counters = server.counters();
  EXPECT_EQ(counters.accepted, clients);
  EXPECT_EQ(counters.accepted, counters.connections_open + disconnected_in_all(counters));
  for (const DisconnectReason reason :
       {DisconnectReason::local_abort, DisconnectReason::handler_threw, DisconnectReason::local_close}) {
    EXPECT_EQ(disconnected(counters, reason), 20U) << reason;
  }
  const std::uint64_t resets = disconnected(counters, DisconnectReason::peer_reset);
  EXPECT_TRUE(resets_are_told() ? resets == 20U : resets <= 20U) << resets;
  EXPECT_EQ(disconnected(counters, DisconnectReason::peer_closed) + resets, 40U);
  EXPECT_EQ(counters.bytes_received, bytes);
  EXPECT_EQ(counters.bytes_sent, answered_bytes);
  EXPECT_EQ(counters.unsent_bytes, 0U);
  EXPECT_EQ(counters.handler_exceptions, 20U);
  EXPECT_EQ(counters.listeners_open, accepting_threads(*server));
  EXPECT_GE(counters.accepts_in_flight, counters.listeners_open);
  EXPECT_EQ(counters.listeners_waiting, 0U);
  EXPECT_GT(counters.turns, 0U);
}

}  // namespace
}  // namespace iocpp::tests

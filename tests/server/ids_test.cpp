// Ids that are stale or made up: an error, never more.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <unordered_map>

#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

/// Every call that takes an id.
void use(Server& server, ConnectionId id, std::uint64_t& sends_accepted) {
  const bool exists = id.shard() < server.shards();
  const std::error_code sent = server.send(id, bytes_of("for nobody"));
  if (!sent) ++sends_accepted;
  for (const std::error_code error : {sent, server.disconnect(id), server.abort(id), server.shutdown_send(id)}) {
    EXPECT_TRUE(exists ? !error : error == errc::invalid_argument) << id.value() << ": " << error.message();
  }
}

void use_on_its_thread(Server& server, ConnectionId id) {
  const Connection connection = server.connection(id);
  EXPECT_FALSE(connection.is_open());
  EXPECT_TRUE(connection.send("for nobody").closed);
  EXPECT_EQ(connection.native_handle(), -1);
  EXPECT_EQ(connection.context<int>(), nullptr);
  connection.shutdown_send();
  connection.close();
  connection.abort();
}

/// Ids close to those in use, and any 64 bits.
std::vector<ConnectionId> wrong_ids(const std::vector<ConnectionId>& live) {
  std::vector<ConnectionId> wrong{ConnectionId{}, ConnectionId::from_value(~std::uint64_t{0})};
  for (const ConnectionId id : live) {
    wrong.emplace_back(id.shard(), id.slot(), id.generation() + 1);
    wrong.emplace_back(id.shard(), id.slot(), id.generation() - 1);
    wrong.emplace_back(id.shard(), id.slot() + 1'000'000, id.generation());
    wrong.emplace_back(id.shard() + 2, id.slot(), id.generation());
  }
  std::mt19937_64 random{20'100};
  for (int count = 0; count < 5'000; ++count) {
    const std::uint64_t value = random();
    wrong.push_back(ConnectionId::from_value(value));
    wrong.emplace_back(static_cast<unsigned>(value & 1U), static_cast<std::uint32_t>(value >> 8) & 0x3ffU, 1'000'000U);
  }
  return wrong;
}

TEST(ConnectionIds, are_keys_of_unordered_containers) {
  const std::unordered_map<ConnectionId, int> numbers{{ConnectionId{1, 2, 3}, 7}};
  EXPECT_EQ(numbers.at(ConnectionId(1, 2, 3)), 7);
  EXPECT_FALSE(numbers.contains(ConnectionId(1, 2, 4)));
}

TEST(ConnectionIds, that_are_wrong_reach_nobody) {
  Journal journal;
  journal.received = echo;
  LiveServer server{journal, {.shards = 2}};
  std::vector<Client> clients;
  for (int count = 0; count < 20; ++count) clients.push_back(server.connect());
  journal.wait_for(Told::connect, clients.size());
  std::vector<ConnectionId> live;
  for (const Entry& entry : journal.all(Told::connect)) live.push_back(entry.id);

  std::uint64_t sends_accepted = 0;
  for (const ConnectionId id : wrong_ids(live)) use(*server, id, sends_accepted);
  for (unsigned shard = 0; shard < 2; ++shard) {
    server.on_shard(
        [&] {
          for (const ConnectionId id : wrong_ids(live)) use_on_its_thread(*server, id);
        },
        shard);
  }
  EXPECT_EQ(journal.count(Told::send_failed), sends_accepted);
  EXPECT_EQ(journal.count(Told::disconnect), 0U);
  for (Client& client : clients) EXPECT_EQ(client.echo("alive"), "alive");
}

TEST(ConnectionIds, are_never_reused) {
  Journal journal;
  LiveServer server{journal};
  for (std::size_t count = 1; count <= 300; ++count) {
    server.connect().close();
    journal.wait_for(Told::disconnect, count);
  }
  std::vector<ConnectionId> ids;
  for (const Entry& entry : journal.all(Told::connect)) ids.push_back(entry.id);
  std::ranges::sort(ids);
  EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
  std::uint64_t sends_accepted = 0;
  for (const ConnectionId id : ids) use(*server, id, sends_accepted);
  server.on_shard([] {});
  EXPECT_EQ(journal.count(Told::send_failed), ids.size());
}

TEST(ServerConnection, finds_a_connection_on_its_own_thread_only) {
  Journal journal;
  LiveServer server{journal, {.shards = 2}};
  Client client = server.connect();
  const ConnectionId id = journal.wait_for(Told::connect).id;
  server.on_shard([&] { EXPECT_TRUE(server->connection(id).is_open()); }, id.shard());
  server.on_shard([&] { EXPECT_FALSE(server->connection(id).is_open()); }, 1 - id.shard());
  EXPECT_FALSE(server->connection(id).is_open());
  EXPECT_EQ(server->connection(id).native_handle(), -1);
}

}  // namespace
}  // namespace iocpp::tests

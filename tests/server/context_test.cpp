// State that the user attaches to a connection.
#include <gtest/gtest.h>

#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

/// Knows how many of its kind live.
struct Session {
  explicit Session(std::atomic<int>& count, int number = 0) : alive{count}, value{number} {
    if (number < 0) throw std::invalid_argument("negative");
    ++alive;
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { --alive; }

  std::atomic<int>& alive;
  int value;
};

struct Other {
  int value = 0;
};

TEST(Context, lives_from_emplace_to_after_on_disconnect) {
  std::atomic<int> alive{0};
  Journal journal;
  journal.connected = [&](Connection connection) {
    EXPECT_EQ(connection.context<Session>(), nullptr);
    Session& made = connection.emplace_context<Session>(alive, 17);
    EXPECT_EQ(connection.context<Session>(), &made);
  };
  journal.received = [](Connection connection, std::span<const std::byte> bytes) {
    ++connection.context<Session>()->value;
    connection.send(bytes);
  };
  int at_disconnect = 0;
  journal.disconnected = [&](Connection connection, const Disconnect&) {
    ASSERT_NE(connection.context<Session>(), nullptr);
    at_disconnect = connection.context<Session>()->value;
    EXPECT_EQ(alive, 1);
    EXPECT_THROW(connection.emplace_context<Session>(alive, 1), std::system_error);
    EXPECT_EQ(alive, 1);
  };
  LiveServer server{journal};
  Client client = server.connect();
  EXPECT_EQ(client.echo("a"), "a");
  EXPECT_EQ(client.echo("b"), "b");
  EXPECT_EQ(alive, 1);
  client.close();
  ASSERT_TRUE(eventually([&] { return server.counters().connections_open == 0; }));
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(at_disconnect, 19);
}

TEST(Context, of_another_type_is_null) {
  std::atomic<int> alive{0};
  Journal journal;
  journal.connected = [&](Connection connection) {
    connection.emplace_context<Session>(alive);
    EXPECT_EQ(connection.context<Other>(), nullptr);
    EXPECT_EQ(connection.context<int>(), nullptr);
    EXPECT_NE(connection.context<Session>(), nullptr);
    connection.send("done");
  };
  LiveServer server{journal};
  EXPECT_EQ(server.connect().receive(4), "done");
}

TEST(Context, made_again_replaces_the_earlier_one) {
  std::atomic<int> alive{0};
  Journal journal;
  journal.connected = [&](Connection connection) {
    connection.emplace_context<Session>(alive, 1);
    connection.emplace_context<Session>(alive, 2);
    EXPECT_EQ(alive, 1);
    EXPECT_THROW(connection.emplace_context<Session>(alive, -1), std::invalid_argument);
    EXPECT_EQ(connection.context<Session>()->value, 2) << "the earlier one stays where the new one could not be made";
    connection.emplace_context<Other>().value = 3;
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(connection.context<Session>(), nullptr);
    EXPECT_EQ(connection.context<Other>()->value, 3);
    connection.send("done");
  };
  LiveServer server{journal};
  EXPECT_EQ(server.connect().receive(4), "done");
}

TEST(Context, belongs_to_one_connection_and_ends_with_the_server) {
  std::atomic<int> alive{0};
  Journal journal;
  journal.connected = [&](Connection connection) {
    connection.emplace_context<Session>(alive, static_cast<int>(journal.count(Told::connect)));
  };
  journal.received = [](Connection connection, std::span<const std::byte>) {
    connection.send(std::to_string(connection.context<Session>()->value));
  };
  LiveServer server{journal};
  std::vector<Client> clients;
  for (std::size_t count = 1; count <= 9; ++count) {
    clients.push_back(server.connect());
    journal.wait_for(Told::connect, count);
  }
  for (std::size_t at = 0; at < clients.size(); ++at) EXPECT_EQ(clients[at].echo("?"), std::to_string(at + 1));
  EXPECT_EQ(alive, 9);
  server.stop();
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace iocpp::tests

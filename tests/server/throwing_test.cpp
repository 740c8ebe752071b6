// An exception in a callback ends the connection that it came from, and nothing else.
#include <gtest/gtest.h>

#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

struct Boom : std::exception {};

/// Which callback throws, and what the client does to cause it.
struct Throwing {
  const char* name;
  std::function<void(Journal&)> arm;
  std::function<void(Client&)> provoke;

  friend std::ostream& operator<<(std::ostream& out, const Throwing& throwing) { return out << throwing.name; }
};

class ThrowingHandler : public ::testing::TestWithParam<Throwing> {};

bool is_bad(const Journal& journal, ConnectionId id) {
  return journal.all(Told::connect).size() > 1 && journal.all(Told::connect)[1].id == id;
}

TEST_P(ThrowingHandler, ends_its_own_connection) {
  Journal journal;
  journal.received = echo;
  GetParam().arm(journal);
  LiveServer server{journal};
  Client good = server.connect();
  EXPECT_EQ(good.echo("one"), "one");

  Client bad = server.connect();
  GetParam().provoke(bad);
  EXPECT_PRED1(is_reset, bad.end());
  const Entry end = journal.wait_for(Told::disconnect);
  EXPECT_TRUE(is_bad(journal, end.id));
  EXPECT_EQ(end.end.reason, DisconnectReason::handler_threw);
  EXPECT_EQ(good.echo("two"), "two");
  EXPECT_EQ(server.connect().echo("three"), "three");
  EXPECT_EQ(server.counters().handler_exceptions, 1U);
}

/// For each callback: throws for the second connection.
template <class... Arguments>
auto boom(Journal& journal) {
  return [&journal](Connection connection, Arguments...) {
    if (is_bad(journal, connection.id())) throw Boom{};
  };
}

const Throwing in_on_connect{"on_connect", [](Journal& journal) { journal.connected = boom<>(journal); },
                             [](Client&) {}};
const Throwing in_on_receive{"on_receive",
                             [](Journal& journal) {
                               journal.received = [&journal](Connection connection, std::span<const std::byte> bytes) {
                                 connection.send(bytes);
                                 if (is_bad(journal, connection.id())) throw Boom{};
                               };
                             },
                             [](Client& client) { client.send("x"); }};
const Throwing in_on_sent{"on_sent", [](Journal& journal) { journal.sent = boom<std::size_t>(journal); },
                          [](Client& client) { client.send("x"); }};
const Throwing in_on_writable{"on_writable",
                              [](Journal& journal) {
                                journal.connected = [&journal](Connection connection) {
                                  if (is_bad(journal, connection.id())) connection.send(std::string(3U << 20, 'x'));
                                };
                                journal.writable = boom<>(journal);
                              },
                              [](Client&) {}};
const Throwing in_on_peer_shutdown{"on_peer_shutdown",
                                   [](Journal& journal) { journal.peer_shut_down = boom<>(journal); },
                                   [](Client& client) { client.end_stream(); }};
INSTANTIATE_TEST_SUITE_P(Callbacks, ThrowingHandler,
                         ::testing::Values(in_on_connect, in_on_receive, in_on_sent, in_on_writable,
                                           in_on_peer_shutdown),
                         [](const auto& test) { return std::string{test.param.name}; });

TEST(Exception, in_on_sent_after_close_is_what_ended_the_connection) {
  Journal journal;
  journal.connected = [](Connection connection) {
    connection.send("goodbye");
    connection.close();
  };
  journal.sent = [](Connection, std::size_t) { throw Boom{}; };
  LiveServer server{journal};
  Client client = server.connect();
  const Entry end = journal.wait_for(Told::disconnect);
  EXPECT_EQ(end.end.reason, DisconnectReason::handler_threw);
}

TEST(Exception, in_on_disconnect_is_swallowed_and_counted) {
  Journal journal;
  journal.received = echo;
  journal.disconnected = [](Connection, const Disconnect&) { throw Boom{}; };
  LiveServer server{journal};
  server.connect().close();
  EXPECT_EQ(journal.wait_for(Told::disconnect).end.reason, DisconnectReason::peer_closed);
  EXPECT_EQ(server.connect().echo("next"), "next");
  ASSERT_TRUE(eventually([&] { return server.counters().connections_open == 0; }));
  EXPECT_EQ(server.counters().handler_exceptions, 2U);
}

TEST(Exception, out_of_on_send_failed_and_on_server_close_is_swallowed_and_counted) {
  Journal journal;
  journal.send_failed = [](ConnectionId) { throw Boom{}; };
  journal.server_closed = [] { throw Boom{}; };
  LiveServer server{journal};
  ASSERT_EQ(server->send(ConnectionId{0, 5, 5}, bytes_of("x")), std::error_code{});
  journal.wait_for(Told::send_failed);
  server.stop();
  EXPECT_EQ(server.counters().handler_exceptions, 2U);
}

TEST(Exception, out_of_a_posted_task_is_swallowed_and_counted) {
  Journal journal;
  journal.received = echo;
  LiveServer server{journal};
  ASSERT_EQ(server->post(0, [] { throw Boom{}; }), std::error_code{});
  server.on_shard([] {});
  EXPECT_EQ(server.counters().handler_exceptions, 1U);
  EXPECT_EQ(server.connect().echo("next"), "next");
}

}  // namespace
}  // namespace iocpp::tests

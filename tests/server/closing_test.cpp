// close(), shutdown_send() and what they promise about bytes that were sent.
#include <gtest/gtest.h>

#include <array>

#include "server/gate.hpp"
#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t mib = 1U << 20;

/// A callback that closes, and what makes it come.
struct Closing {
  const char* name;
  std::function<void(Journal&)> arm;
  std::function<void(Client&)> provoke;

  friend std::ostream& operator<<(std::ostream& out, const Closing& closing) { return out << closing.name; }
};

void say_goodbye(Connection connection) {
  connection.send("goodbye");
  connection.close();
  connection.close();
}

class Close : public ::testing::TestWithParam<Closing> {};

TEST_P(Close, from_inside_a_callback_sends_what_is_queued) {
  Journal journal;
  GetParam().arm(journal);
  LiveServer server{journal};
  Client client = server.connect();
  GetParam().provoke(client);
  std::string all;
  EXPECT_EQ(client.end(&all), Ending::in_order);
  EXPECT_TRUE(all.ends_with("goodbye")) << all.size();
  client.close();
  const Disconnect end = journal.wait_for(Told::disconnect).end;
  const bool peer_was_first = journal.count(Told::peer_shutdown) != 0;
  EXPECT_EQ(end.reason, peer_was_first ? DisconnectReason::peer_closed : DisconnectReason::local_close);
  EXPECT_EQ(end.unsent_bytes, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Callbacks, Close,
    ::testing::Values(Closing{"on_connect", [](Journal& journal) { journal.connected = say_goodbye; }, [](Client&) {}},
                      Closing{"on_receive",
                              [](Journal& journal) {
                                journal.received = [](Connection connection, std::span<const std::byte>) {
                                  say_goodbye(connection);
                                };
                              },
                              [](Client& client) { client.send("x"); }},
                      Closing{"on_sent",
                              [](Journal& journal) {
                                journal.received = echo;
                                journal.sent = [](Connection connection, std::size_t) { say_goodbye(connection); };
                              },
                              [](Client& client) { client.send("x"); }},
                      Closing{"on_writable",
                              [](Journal& journal) {
                                journal.connected = [](Connection connection) {
                                  connection.send(std::string(3 * mib, 'x'));
                                };
                                journal.writable = say_goodbye;
                              },
                              [](Client&) {}},
                      Closing{"on_peer_shutdown", [](Journal& journal) { journal.peer_shut_down = say_goodbye; },
                              [](Client& client) { client.end_stream(); }}),
    [](const auto& test) { return std::string{test.param.name}; });

TEST(Close, of_another_connection) {
  Journal journal;
  Connection first;
  journal.connected = [&](Connection connection) {
    if (!first.id()) first = connection;
  };
  journal.received = [&](Connection connection, std::span<const std::byte> bytes) {
    first.send("sent by another");
    first.close();
    connection.send(bytes);
  };
  LiveServer server{journal};
  Client victim = server.connect();
  journal.wait_for(Told::connect);
  Client other = server.connect();
  EXPECT_EQ(other.echo("close it"), "close it");
  std::string all;
  EXPECT_EQ(victim.end(&all), Ending::in_order);
  EXPECT_EQ(all, "sent by another");
  victim.close();
  const ConnectionId ended = journal.wait_for(Told::disconnect).id;
  EXPECT_EQ(other.echo("again"), "again");
  server.stop();  // `first` is the shard's until then
  EXPECT_EQ(ended, first.id());
}

TEST(Abort, of_another_connection_whose_bytes_are_in_the_same_turn) {
  Journal journal;
  Gate both_sent;
  std::array<Connection, 2> pair;
  journal.connected = [&](Connection connection) {
    const std::size_t nth = journal.count(Told::connect);
    if (nth <= pair.size()) pair[nth - 1] = connection;
  };
  journal.received = [&](Connection connection, std::span<const std::byte> bytes) {
    if (text_of(bytes) == "hold") return void(both_sent.wait());
    for (const Connection& other : pair) {
      if (other.id() != connection.id()) other.abort();
    }
    connection.send(bytes);
  };
  LiveServer server{journal};
  std::array<Client, 2> clients{server.connect(), server.connect()};
  Client holder = server.connect();
  journal.wait_for(Told::connect, 3);
  holder.send("hold");
  journal.wait_for(Told::receive);
  for (Client& client : clients) client.send("abort the other");
  for (Client& client : clients) EXPECT_TRUE(client.wait_until_delivered());
  both_sent.open();

  const Entry end = journal.wait_for(Told::disconnect);
  EXPECT_EQ(end.end.reason, DisconnectReason::local_abort);
  Client& aborted = clients[end.id == pair[0].id() ? 0 : 1];
  Client& other = clients[end.id == pair[0].id() ? 1 : 0];
  EXPECT_PRED1(is_reset, aborted.end());
  EXPECT_EQ(other.receive(15), "abort the other");
  EXPECT_EQ(journal.count(Told::receive), 2U) << "the aborted one's bytes came too late";
}

TEST(Close, loses_nothing_though_the_client_still_sends) {
  // Catalogue of faults, row 37: a close with unread input resets the connection, and the reset overtakes what was
  // sent.
  Journal journal;
  const std::string reply = pattern(2 * mib);
  journal.received = [&](Connection connection, std::span<const std::byte>) {
    connection.send(reply);
    connection.close();
  };
  LiveServer server{journal};
  Client client = server.connect({.receive_buffer = 16 * 1024});
  client.send(std::string(mib - 1, 'q'));
  std::string all;
  EXPECT_EQ(client.end(&all), Ending::in_order);
  EXPECT_TRUE(all == reply) << all.size();
  client.close();
  const Disconnect end = journal.wait_for(Told::disconnect).end;
  EXPECT_EQ(end.reason, DisconnectReason::local_close);
  EXPECT_EQ(end.error, std::error_code{});
}

TEST(Close, discards_input_that_was_held_back) {
  Journal journal;
  journal.connected = [](Connection connection) { connection.pause_receive(); };
  LiveServer server{journal};
  Client client = server.connect();
  client.send(std::string(100'000, 'q'));
  EXPECT_TRUE(client.wait_until_delivered());
  const ConnectionId id = journal.wait_for(Told::connect).id;
  server.on_shard([&] { say_goodbye(server->connection(id)); });
  std::string all;
  EXPECT_EQ(client.end(&all), Ending::in_order);
  EXPECT_EQ(all, "goodbye");
  client.close();
  journal.wait_for(Told::disconnect);
  EXPECT_EQ(journal.count(Told::receive), 0U);
}

TEST(Linger, ends_when_the_client_never_ends_its_stream) {
  Journal journal;
  journal.connected = say_goodbye;
  LiveServer server{journal, {.linger_timeout = 20ms}};
  Client client = server.connect();
  std::string all;
  EXPECT_EQ(client.end(&all), Ending::in_order);
  EXPECT_EQ(all, "goodbye");
  const Disconnect end = journal.wait_for(Told::disconnect).end;  // the client has not closed
  EXPECT_EQ(end.reason, DisconnectReason::local_close);
  EXPECT_EQ(end.error, std::error_code{});
}

TEST(Linger, ends_when_the_client_reads_nothing) {
  Journal journal;
  journal.connected = [](Connection connection) {
    connection.send(std::string(32 * mib, 'x'));
    connection.close();
  };
  LiveServer server{journal, {.linger_timeout = 20ms}};
  Client client = server.connect();
  const Disconnect end = journal.wait_for(Told::disconnect).end;
  EXPECT_EQ(end.reason, DisconnectReason::local_close);
  EXPECT_EQ(end.error, errc::timed_out);
  EXPECT_GT(end.unsent_bytes, 0U);
  EXPECT_PRED1(is_reset, client.end());
}

TEST(Linger, ends_when_the_client_sends_without_end) {
  Journal journal;
  journal.connected = say_goodbye;
  LiveServer server{journal, {.linger_timeout = 1h, .linger_bytes_max = 64U << 10}};
  Client client = server.connect();
  EXPECT_EQ(client.receive(7), "goodbye");
  const std::string piece(mib, 'x');
  std::size_t pieces = 0;
  while (pieces < 256 && client.send_until_refused(piece) == piece.size()) ++pieces;
  EXPECT_LT(pieces, 256U);
  const Disconnect end = journal.wait_for(Told::disconnect).end;
  EXPECT_EQ(end.reason, DisconnectReason::local_close);
  EXPECT_EQ(end.unsent_bytes, 0U);
}

TEST(Linger, ends_in_order_when_the_client_sends_less_than_the_bound) {
  Journal journal;
  journal.connected = say_goodbye;
  LiveServer server{journal, {.linger_timeout = 1h, .linger_bytes_max = 64U << 10}};
  Client client = server.connect();
  EXPECT_EQ(client.receive(7), "goodbye");
  client.send(std::string(64U << 10, 'x'));
  client.end_stream();
  EXPECT_EQ(client.end(), Ending::in_order);
  EXPECT_EQ(journal.wait_for(Told::disconnect).end.reason, DisconnectReason::local_close);
}

TEST(HalfClose, of_the_peer_leaves_our_side_open) {
  Journal journal;
  const std::string reply = pattern(4 * mib);
  journal.peer_shut_down = [&](Connection connection) {
    for (std::size_t at = 0; at < reply.size(); at += mib) connection.send(std::string_view{reply}.substr(at, mib));
  };
  std::size_t sent = 0;
  journal.sent = [&](Connection connection, std::size_t bytes) {
    sent += bytes;
    if (sent == reply.size()) connection.close();
  };
  LiveServer server{journal};
  Client client = server.connect();
  client.send("question");
  client.end_stream();
  std::string all;
  EXPECT_EQ(client.end(&all), Ending::in_order);
  EXPECT_TRUE(all == reply) << all.size();
  EXPECT_EQ(journal.wait_for(Told::disconnect).end.reason, DisconnectReason::peer_closed);
  EXPECT_EQ(journal.count(Told::peer_shutdown), 1U);
}

TEST(HalfClose, of_our_side_leaves_receiving_on) {
  Journal journal;
  journal.connected = [](Connection connection) {
    connection.send("that is all");
    connection.shutdown_send();
    EXPECT_TRUE(connection.is_open());
    EXPECT_TRUE(connection.send("more").closed);
  };
  LiveServer server{journal};
  Client client = server.connect();
  std::string all;
  EXPECT_EQ(client.end(&all), Ending::in_order);
  EXPECT_EQ(all, "that is all");
  const std::string bytes = pattern(mib);
  client.send(bytes);
  client.close();
  const Entry end = journal.wait_for(Told::disconnect);
  EXPECT_EQ(end.end.reason, DisconnectReason::peer_closed);
  EXPECT_TRUE(journal.received_from(end.id) == bytes);
}

TEST(HalfClose, of_our_side_waits_for_the_queue) {
  Journal journal;
  const std::string reply = pattern(8 * mib);
  journal.connected = [&](Connection connection) {
    connection.send(reply);
    connection.shutdown_send();
    connection.shutdown_send();
  };
  LiveServer server{journal};
  Client client = server.connect({.receive_buffer = 32 * 1024});
  std::string all;
  EXPECT_EQ(client.end(&all), Ending::in_order);
  EXPECT_TRUE(all == reply) << all.size();
}

}  // namespace
}  // namespace iocpp::tests

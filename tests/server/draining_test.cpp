// Draining: who is still accepted, who may finish, who is cut, and that the report says so.
#include <gtest/gtest.h>

#include <atomic>

#include "server/gate.hpp"
#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t mib = 1U << 20;

struct Layout {
  unsigned shards;
  bool accept_thread;

  friend std::ostream& operator<<(std::ostream& out, const Layout& layout) {
    return out << layout.shards << (layout.accept_thread ? " shards, accept thread" : " shards");
  }
};

class Drain : public ::testing::TestWithParam<Layout> {
 protected:
  static Options options() {
    return {.shards = GetParam().shards, .accept_thread = GetParam().accept_thread, .linger_timeout = 1h};
  }
};

TEST_P(Drain, accepts_who_waited_in_the_backlog_and_closes_in_order) {
  Journal journal;
  constexpr std::size_t waiting = 200;
  std::vector<Client> clients;
  Server server{on_loopback(options()), journal};
  for (std::size_t count = 0; count < waiting; ++count) clients.emplace_back(server.port());
  server.request_drain(1h);
  server.start();
  for (Client& client : clients) {
    EXPECT_EQ(client.end(), Ending::in_order);
    client.close();
  }
  const DrainReport report = server.wait();
  EXPECT_EQ(journal.count(Told::connect), waiting);
  EXPECT_EQ(journal.disorder(), "");
  EXPECT_EQ(report.idle_closed + report.finished, waiting);
  EXPECT_EQ(report.cut, 0U);
  EXPECT_EQ(server.counters().refused, 0U);
  EXPECT_EQ(disconnected(server.counters(), DisconnectReason::local_close), waiting);
}

TEST_P(Drain, of_a_busy_server_accepts_who_came_meanwhile) {
  Journal journal;
  Gate all_there;
  journal.received = [&](Connection, std::span<const std::byte>) { all_there.wait(); };
  LiveServer server{journal, options()};
  Client holder = server.connect();
  holder.send("hold");
  journal.wait_for(Told::receive);
  std::vector<Client> clients;
  for (int count = 0; count < 100; ++count) clients.push_back(server.connect());
  server->request_drain(1h);
  all_there.open();
  clients.push_back(std::move(holder));
  for (Client& client : clients) {
    EXPECT_EQ(client.end(), Ending::in_order);
    client.close();
  }
  const DrainReport report = server->wait();
  EXPECT_EQ(report.idle_closed + report.finished, clients.size());
  EXPECT_EQ(server.counters().accepted, clients.size());
}

TEST_P(Drain, report_says_what_the_clients_saw) {
  Journal journal;
  journal.received = [](Connection connection, std::span<const std::byte>) {
    connection.send(std::string(16 * mib, 'x'));  // more than sockets hold
  };
  LiveServer server{journal, options()};
  std::vector<Client> idle;
  std::vector<Client> readers;
  std::vector<Client> sleepers;
  for (int count = 0; count < 5; ++count) idle.push_back(server.connect());
  for (int count = 0; count < 3; ++count) readers.push_back(server.connect());
  for (int count = 0; count < 2; ++count) sleepers.push_back(server.connect());
  for (Client& client : readers) client.send("x");
  for (Client& client : sleepers) client.send("x");
  journal.wait_for(Told::receive, readers.size() + sleepers.size());
  journal.wait_for(Told::connect, 10);

  server->request_drain(1h);
  for (Client& client : idle) {
    EXPECT_EQ(client.end(), Ending::in_order);
    client.close();
  }
  for (Client& client : readers) {
    std::string all;
    EXPECT_EQ(client.end(&all), Ending::in_order);
    EXPECT_EQ(all.size(), 16 * mib);
    client.close();
  }
  journal.wait_for(Told::disconnect, idle.size() + readers.size());
  EXPECT_EQ(journal.count(Told::disconnect), idle.size() + readers.size()) << "the others have an hour";
  server->request_drain(2h);  // later than the first: changes nothing
  server->request_drain(0ms);
  for (Client& client : sleepers) EXPECT_PRED1(is_reset, client.end());

  const DrainReport report = server->wait();
  EXPECT_EQ(report.idle_closed, idle.size());
  EXPECT_EQ(report.finished, readers.size());
  EXPECT_EQ(report.cut, sleepers.size());
  EXPECT_EQ(report.bytes_lost, server.counters().unsent_bytes);
  EXPECT_GT(report.bytes_lost, 0U);
  EXPECT_EQ(disconnected(server.counters(), DisconnectReason::local_close), idle.size() + readers.size());
  EXPECT_EQ(disconnected(server.counters(), DisconnectReason::drain_deadline), sleepers.size());
}

TEST_P(Drain, lets_a_message_end_that_has_begun) {
  Journal journal;
  journal.received = [](Connection connection, std::span<const std::byte> bytes) {
    if (text_of(bytes) == "half") return connection.begin_message();
    connection.end_message();
    connection.send("answer");
  };
  LiveServer server{journal, options()};
  Client client = server.connect();
  client.send("half");
  journal.wait_for(Told::receive);
  Client idle = server.connect();
  journal.wait_for(Told::connect, 2);
  server->request_drain(1h);
  EXPECT_EQ(idle.end(), Ending::in_order);
  client.send("rest");
  EXPECT_EQ(client.receive(6), "answer");
  EXPECT_EQ(client.end(), Ending::in_order);
  idle.close();
  client.close();
  const DrainReport report = server->wait();
  EXPECT_EQ(report.idle_closed, 1U);
  EXPECT_EQ(report.finished, 1U);
}

TEST_P(Drain, without_time_cuts_everyone) {
  Journal journal;
  LiveServer server{journal, options()};
  std::vector<Client> clients;
  for (int count = 0; count < 50; ++count) clients.push_back(server.connect());
  journal.wait_for(Told::connect, clients.size());
  const DrainReport report = server.stop(0ms);
  EXPECT_EQ(report.cut, clients.size());
  EXPECT_EQ(report.idle_closed + report.finished, 0U);
  EXPECT_EQ(disconnected(server.counters(), DisconnectReason::drain_deadline), clients.size());
  // Our end of the stream may have come before the reset: nothing was unsent.
  for (Client& client : clients) EXPECT_NE(client.end(), Ending::silent);
}

TEST_P(Drain, without_time_cuts_who_waited_in_the_backlog_too) {
  // A connection that the handler closed in on_connect lingered past the drain's deadline.
  Journal journal;
  journal.connected = [](Connection connection) { connection.close(); };
  constexpr std::size_t waiting = 50;
  std::vector<Client> clients;
  Server server{on_loopback(options()), journal};
  for (std::size_t count = 0; count < waiting; ++count) clients.emplace_back(server.port());
  server.request_drain(0ms);
  server.start();
  journal.wait_for(Told::disconnect, waiting);  // the linger timeout is an hour, and no client closes
  clients.clear();
  const DrainReport report = server.wait();
  EXPECT_EQ(report.cut, waiting);
  EXPECT_EQ(journal.disorder(), "");
}

TEST_P(Drain, stops_listening) {
  Journal journal;
  LiveServer server{journal, options()};
  Client stays = server.connect();
  journal.wait_for(Told::connect);
  const std::uint16_t port = server->port();
  server->request_drain(1h);
  EXPECT_EQ(stays.end(), Ending::in_order);
  ASSERT_TRUE(eventually([&] { return server.counters().listeners_open == 0; }));
  EXPECT_THROW(Client{port}, std::runtime_error);
  Handler handler;
  EXPECT_NO_THROW(Server({.port = port, .host = "127.0.0.1"}, handler)) << "a successor may have the port already";
}

INSTANTIATE_TEST_SUITE_P(Layouts, Drain, ::testing::Values(Layout{1, false}, Layout{2, false}, Layout{2, true}));

TEST(DrainReport, counts_connections_that_were_closing_before) {
  Journal journal;
  journal.connected = [](Connection connection) { connection.close(); };
  LiveServer server{journal, {.linger_timeout = 1h}};
  Client client = server.connect();
  EXPECT_EQ(client.end(), Ending::in_order);  // lingers now
  server->request_drain(1h);
  ASSERT_TRUE(eventually([&] { return server.counters().listeners_open == 0; }));
  client.close();
  const DrainReport report = server->wait();
  EXPECT_EQ(report.idle_closed + report.finished, 1U);
}

TEST(RequestDrain, asked_for_again_and_again_from_everywhere) {
  Journal journal;
  std::atomic<Server*> server{nullptr};
  journal.connected = [&](Connection) { server.load()->request_drain(1h); };
  journal.disconnected = [&](Connection, const Disconnect&) { server.load()->request_drain(2h); };
  journal.server_closed = [&] { server.load()->request_drain(3h); };
  LiveServer live{journal, {.shards = 2}};
  server = &*live;
  Client client = live.connect();
  EXPECT_EQ(client.end(), Ending::in_order);
  client.close();
  const DrainReport report = live->wait();
  live->request_drain(0ms);
  EXPECT_EQ(report.idle_closed + report.finished, 1U);
  EXPECT_EQ(report.cut, 0U);
}

}  // namespace
}  // namespace iocpp::tests

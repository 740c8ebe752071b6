// Hand-over: a server's listening sockets, in the hands of its successor.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "server/gate.hpp"
#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

using namespace std::chrono_literals;

/// A directory of the test's own.
class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "iocpp-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

struct Layout {
  unsigned shards;
  bool accept_thread;
  Backend backend;

  friend std::ostream& operator<<(std::ostream& out, const Layout& layout) {
    return out << layout.shards << (layout.accept_thread ? " shards, accept thread, " : " shards, ")
               << to_string(layout.backend);
  }
};

struct Change {
  Layout from;
  Layout to;

  friend std::ostream& operator<<(std::ostream& out, const Change& change) {
    return out << change.from << " to " << change.to;
  }
};

class HandOver : public ::testing::TestWithParam<Change> {
 protected:
  HandOver() {
    for (Journal* journal : {&old_journal_, &new_journal_}) journal->received = echo;
  }

  Options options(const Layout& layout, std::uint16_t port = 0) const {
    Options options;
    options.port = port;
    options.shards = layout.shards;
    options.accept_thread = layout.accept_thread;
    options.backend = layout.backend;
    options.drain_timeout = 1h;
    options.hand_over_path = path_;
    return options;
  }

  /// The client was answered, and its connection ends. A server with an accept thread is deaf before all of its shards
  /// have heard of the drain: one that has not yet awaits the client's next bytes.
  void expect_told(Client& client) const {
    if (GetParam().from.accept_thread) {
      while (client.echo("again") == "again") {
      }
    }
    EXPECT_EQ(client.end(), Ending::in_order);
    client.close();
  }

  Directory directory_;
  std::string path_ = directory_.file("hand-over");
  Journal old_journal_;
  Journal new_journal_;
};

TEST_P(HandOver, serves_all_who_come_before_and_after) {
  LiveServer old{old_journal_, options(GetParam().from)};
  const std::uint16_t port = old->port();
  EXPECT_FALSE(old->took_over());
  std::vector<Client> before;
  for (int count = 0; count < 20; ++count) before.push_back(old.connect());
  old_journal_.wait_for(Told::connect, before.size());

  LiveServer successor{new_journal_, options(GetParam().to, port)};
  EXPECT_TRUE(successor->took_over());
  EXPECT_EQ(successor->port(), port);
  EXPECT_EQ(old.counters().listeners_open, 0U) << "start has returned before the predecessor was deaf";
  for (int count = 0; count < 100; ++count) EXPECT_EQ((Client{port}).echo("after"), "after");
  EXPECT_EQ(successor.counters().accepted, 100U);

  // Who was there may ask once more, is answered, and then told.
  for (Client& client : before) {
    EXPECT_EQ(client.echo("before"), "before");
    expect_told(client);
  }
  const DrainReport report = old->wait();
  EXPECT_TRUE(report.handed_over);
  EXPECT_EQ(report.finished, before.size());
  EXPECT_EQ(report.cut + report.failed + report.bytes_lost, 0U);
  EXPECT_EQ((Client{port}).echo("still there"), "still there");
}

TEST_P(HandOver, leaves_nobody_in_a_queue) {
  // Whoever waits for a busy shard is in the queue that both servers have.
  Gate go_on;
  old_journal_.received = [&](Connection connection, std::span<const std::byte> bytes) {
    go_on.wait();
    connection.send(bytes);
  };
  LiveServer old{old_journal_, options(GetParam().from)};
  std::vector<Client> holders;
  for (unsigned count = 0; count < 8 * GetParam().from.shards; ++count) {
    holders.push_back(old.connect());
    holders.back().send("hold");
  }
  old_journal_.wait_for(Told::receive, 1);
  std::vector<Client> waiting;
  for (int count = 0; count < 100; ++count) waiting.push_back(old.connect());
  std::optional<LiveServer> successor;
  std::thread starting{[&] { successor.emplace(new_journal_, options(GetParam().to, old->port())); }};
  for (Client& client : waiting) client.send("x");
  go_on.open();
  starting.join();
  for (Client& client : waiting) EXPECT_EQ(client.receive(1), "x");
  for (Client& client : holders) EXPECT_EQ(client.receive(4), "hold");
  EXPECT_EQ(old.counters().refused + successor->counters().refused, 0U);
  waiting.clear();
  holders.clear();
  EXPECT_EQ(old->wait().cut, 0U);
}

TEST_P(HandOver, goes_on_from_server_to_server) {
  std::array<Journal, 6> journals;
  auto running = std::make_unique<LiveServer>(old_journal_, options(GetParam().from));
  const std::uint16_t port = (*running)->port();
  for (int generation = 0; generation < 6; ++generation) {
    const Layout& layout = generation % 2 == 0 ? GetParam().to : GetParam().from;
    Journal& journal = journals[static_cast<std::size_t>(generation)];
    journal.received = echo;
    auto successor = std::make_unique<LiveServer>(journal, options(layout, port));
    EXPECT_TRUE((*running)->wait().handed_over);
    running = std::move(successor);
    for (int count = 0; count < 20; ++count) EXPECT_EQ((Client{port}).echo("served"), "served");
  }
  running.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_THROW(Client{port}, std::runtime_error);
}

TEST_P(HandOver, to_one_that_dies_before_it_serves_has_not_happened) {
  LiveServer old{old_journal_, options(GetParam().from)};
  {
    Server unborn{on_loopback(options(GetParam().to, old->port())), new_journal_};
    EXPECT_TRUE(unborn.took_over());
    for (int count = 0; count < 50; ++count) EXPECT_EQ(old.connect().echo("served"), "served");
  }
  Options failing = options(GetParam().to, old->port());
  failing.on_thread_start = [](unsigned) { throw std::runtime_error{"no"}; };
  Server stillborn{on_loopback(failing), new_journal_};
  EXPECT_THROW(stillborn.start(), std::runtime_error);
  {
    Journal its_journal;
    Server told_to_end{on_loopback(options(GetParam().to, old->port())), its_journal};
    told_to_end.request_drain(0ms);
    told_to_end.start();
    EXPECT_FALSE(told_to_end.wait().handed_over);
  }
  for (int count = 0; count < 50; ++count) EXPECT_EQ(old.connect().echo("served"), "served");
  EXPECT_EQ(old.counters().accepted, 100U);
  LiveServer successor{new_journal_, options(GetParam().to, old->port())};
  EXPECT_TRUE(old->wait().handed_over);
  EXPECT_EQ(successor.connect().echo("served"), "served");
}

TEST_P(HandOver, waits_for_a_client_whose_proxys_header_is_on_its_way) {
  Options behind_a_proxy = options(GetParam().from);
  behind_a_proxy.proxy_protocol.trusted = {"127.0.0.0/8"};
  behind_a_proxy.proxy_protocol.timeout = 1h;
  LiveServer old{old_journal_, behind_a_proxy};
  Client client = old.connect();
  client.send("PROXY TCP4 192.0.2.1 ");
  ASSERT_TRUE(eventually([&] { return old.counters().preparing == 1; }));
  LiveServer successor{new_journal_, options(GetParam().to, old->port())};
  client.send("198.51.100.7 56324 443\r\nlate");
  EXPECT_EQ(client.receive(4), "late");
  expect_told(client);
  const DrainReport report = old->wait();
  EXPECT_EQ(report.finished, 1U);
  EXPECT_EQ(old.counters().stage_failed, 0U);
}

// Whoever waited in a socket that the successor had not kept was reset with it, where a limit paused its listener.
TEST_P(HandOver, leaves_nobody_in_a_queue_that_the_successor_does_not_have) {
  Options first = on_loopback(options(GetParam().from));
  first.listen = {{.host = "127.0.0.1"}, {.host = "127.0.0.1"}};
  first.port = 0;
  first.host.clear();
  first.limits.connections_max = 1;
  first.limits.when_full = WhenFull::pause;
  LiveServer old{old_journal_, first};
  const std::uint16_t kept = old->address(0).port;
  const std::uint16_t left = old->address(1).port;
  // An accept in flight passes the limit; all but one a socket wait.
  std::vector<Client> clients;
  for (int count = 0; count < 12; ++count) clients.emplace_back(left);
  ASSERT_TRUE(eventually([&] { return old.counters().accepted != 0 && old.counters().listeners_paused != 0; }));
  LiveServer successor{new_journal_, options(GetParam().to, kept)};
  std::vector<std::thread> threads;
  for (Client& client : clients) {
    threads.emplace_back([&client] {
      EXPECT_NO_THROW(EXPECT_EQ(client.echo("served"), "served"));
      client.close();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(old->wait().cut, 0U);
  EXPECT_EQ(old.counters().accepted, clients.size());
}

// epoll's registration outlives the descriptor where the successor has the socket too.
TEST_P(HandOver, the_clients_of_the_successor_do_not_wake_the_old_one) {
  LiveServer old{old_journal_, options(GetParam().from)};
  const Client stays = old.connect();
  old_journal_.wait_for(Told::connect);
  LiveServer successor{new_journal_, options(GetParam().to, old->port())};
  const std::uint64_t turns = old.counters().turns;
  for (int count = 0; count < 200; ++count) EXPECT_EQ((Client{successor->port()}).echo("after"), "after");
  EXPECT_LT(old.counters().turns, turns + 100);
}

std::vector<Change> changes() {
  const Backend usual = backend_under_test();
  return {{{1, false, usual}, {1, false, usual}},
          {{1, false, usual}, {1, false, Backend::epoll}},
          {{1, false, Backend::epoll}, {1, false, usual}},
          {{3, false, usual}, {3, false, usual}},
          {{3, false, usual}, {2, false, Backend::epoll}},
          {{1, false, Backend::epoll}, {3, false, usual}},
          {{3, true, usual}, {2, true, usual}},
          {{2, true, usual}, {2, false, usual}},
          {{3, false, usual}, {2, true, usual}}};
}

INSTANTIATE_TEST_SUITE_P(Changes, HandOver, ::testing::ValuesIn(changes()));

class MeetingPoint : public ::testing::Test {
 protected:
  Options at(std::string path, std::uint16_t port = 0) const {
    Options options;
    options.port = port;
    options.hand_over_path = std::move(path);
    return options;
  }
  std::error_code refusal(const Options& options) {
    try {
      const Server server{on_loopback(options), journal_};
    } catch (const std::system_error& error) {
      return error.code();
    }
    return {};
  }

  Directory directory_;
  std::string path_ = directory_.file("hand-over");
  Journal journal_;
};

TEST_F(MeetingPoint, of_another_address_is_not_taken_over_from) {
  LiveServer old{journal_, at(path_)};
  const std::uint16_t other = [] { return (Server{on_loopback(), *std::make_unique<Handler>()}).port(); }();
  EXPECT_EQ(refusal(at(path_, other)), errc::invalid_argument);
  const Client client = old.connect();
  journal_.wait_for(Told::connect);
}

TEST_F(MeetingPoint, that_a_killed_server_has_left_is_replaced) {
  const int left = ::socket(AF_UNIX, SOCK_SEQPACKET, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(left);
  const Server server{on_loopback(at(path_)), journal_};
  EXPECT_FALSE(server.took_over());
}

TEST_F(MeetingPoint, is_never_put_in_a_files_place) {
  std::ofstream{path_} << "precious";
  EXPECT_EQ(refusal(at(path_)), errc::address_in_use);
  std::string content;
  std::ifstream{path_} >> content;
  EXPECT_EQ(content, "precious");
}

TEST_F(MeetingPoint, that_can_not_be_is_an_error) {
  EXPECT_EQ(refusal(at(std::filesystem::path{path_}.parent_path())), errc::invalid_argument);
  EXPECT_EQ(refusal(at(std::string(200, 'x'))), errc::invalid_argument);
  EXPECT_TRUE(refusal(at(directory_.file("none/hand-over"))));
}

TEST_F(MeetingPoint, of_something_else_is_an_error) {
  const Descriptor other{::socket(AF_UNIX, SOCK_STREAM, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(other.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(other.get(), 1), 0);
  EXPECT_TRUE(refusal(at(path_)));
}

TEST_F(MeetingPoint, goes_with_the_server_that_ends) {
  LiveServer server{journal_, at(path_)};
  EXPECT_TRUE(std::filesystem::exists(path_));
  server.stop();
  EXPECT_FALSE(std::filesystem::exists(path_));
  Journal journal;
  const LiveServer next{journal, at(path_)};
  EXPECT_TRUE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace iocpp::tests

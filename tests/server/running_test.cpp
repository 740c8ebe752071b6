// run(), wait() and the destructor.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

#include "server/footprint.hpp"
#include "server/running_server.hpp"

namespace iocpp::tests {
namespace {

using namespace std::chrono_literals;

TEST(Run, ends_on_request_drain_from_another_thread) {
  Journal journal;
  journal.received = echo;
  RunningServer run{journal};
  run.served().close();
  run->request_drain(1h);
  EXPECT_EQ(run.end().cut, 0U);
  EXPECT_EQ(journal.count(Told::server_close), 1U);
}

TEST(Run, ends_on_request_drain_from_a_handler) {
  Journal journal;
  std::atomic<Server*> server{nullptr};
  journal.received = [&](Connection connection, std::span<const std::byte> bytes) {
    connection.send(bytes);
    if (text_of(bytes) == "stop") server.load()->request_drain(1h);
  };
  Server running{on_loopback(), journal};
  server = &running;
  std::thread thread{[&] {
    const DrainReport report = running.run();
    EXPECT_EQ(report.idle_closed + report.finished, 1U);
  }};
  Client client{running.port()};
  EXPECT_EQ(client.echo("stop"), "stop");
  EXPECT_EQ(client.end(), Ending::in_order);
  client.close();
  thread.join();
}

TEST(Run, of_a_drain_that_was_asked_for_before_ends_at_once) {
  Journal journal;
  Server server{on_loopback(), journal};
  server.request_drain(1h);
  EXPECT_EQ(server.run().cut, 0U);
  EXPECT_EQ(journal.count(Told::server_close), 1U);
}

TEST(Run, of_two_servers_at_once_is_refused) {
  Journal journal;
  journal.received = echo;
  RunningServer first{journal};
  first.served().close();
  Handler handler;
  Server second{on_loopback(), handler};
  EXPECT_THROW(second.run(), std::system_error);
  first.served().close();
  first->request_drain(0ms);
}

std::string refusal_to_run(Server& server) {
  try {
    server.run();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::invalid_argument);
    return error.what();
  }
  return "";
}

// It was told that another server of the process is in run().
TEST(Run, of_one_server_twice_at_once_says_that_it_is_this_one) {
  Journal journal;
  journal.received = echo;
  RunningServer server{journal};
  server.served().close();
  EXPECT_NE(refusal_to_run(*server).find("Server::run: this server is already in run()"), std::string::npos);
  server.served().close();
  server->request_drain(0ms);
}

TEST(Run, after_the_end_says_that_a_server_runs_once) {
  Journal journal;
  Server server{on_loopback(), journal};
  server.request_drain(1h);
  server.run();
  const std::string said = refusal_to_run(server);
  EXPECT_NE(said.find("Server::run: "), std::string::npos) << said;
  EXPECT_NE(said.find("a server runs once: make a new one"), std::string::npos) << said;
  Server another{on_loopback(), journal};
  another.request_drain(1h);
  EXPECT_EQ(another.run().cut, 0U) << "the refused one has kept the signals";
}

TEST(Wait, on_a_shards_thread_would_wait_for_itself) {
  Journal journal;
  std::atomic<Server*> server{nullptr};
  std::optional<std::error_code> error;
  journal.received = [&](Connection connection, std::span<const std::byte> bytes) {
    try {
      server.load()->wait();
    } catch (const std::system_error& thrown) {
      error = thrown.code();
    }
    connection.send(bytes);
  };
  LiveServer live{journal};
  server = &*live;
  EXPECT_EQ(live.connect().echo("wait"), "wait");
  live.stop();
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(*error, errc::resource_deadlock_would_occur);
}

TEST(Wait, during_start_waits_for_the_end_too) {
  // It saw a server that was not yet started, or threads in the middle of their making, and returned at once.
  for (int round = 0; round < 50; ++round) {
    Journal journal;
    std::promise<void> starting;
    Options options = on_loopback();
    std::once_flag once;
    options.on_thread_start = [&](unsigned) { std::call_once(once, [&] { starting.set_value(); }); };
    Server server{options, journal};
    std::thread starter{[&] { server.start(); }};
    starting.get_future().wait();
    server.request_drain(0ms);
    server.wait();
    EXPECT_EQ(journal.count(Told::server_close), 1U);
    starter.join();
  }
}

TEST(Wait, before_start_has_nothing_to_wait_for) {
  Journal journal;
  Server server{on_loopback(), journal};
  EXPECT_EQ(server.wait().duration, 0ms);
}

TEST(Wait, on_another_servers_thread_is_allowed) {
  Journal journal;
  LiveServer first{journal};
  Journal other_journal;
  LiveServer other{other_journal};
  other->request_drain(0ms);
  first.on_shard([&] { EXPECT_NO_THROW(other->wait()); });
}

TEST(Wait, again_and_from_several_threads_reports_the_same) {
  Journal journal;
  LiveServer server{journal, {.shards = 2}};
  std::vector<Client> clients;
  for (int count = 0; count < 10; ++count) clients.push_back(server.connect());
  journal.wait_for(Told::connect, clients.size());
  std::vector<DrainReport> reports(3);
  std::vector<std::thread> threads;
  for (DrainReport& report : reports) threads.emplace_back([&] { report = server->wait(); });
  server->request_drain(0ms);
  for (std::thread& thread : threads) thread.join();
  reports.push_back(server->wait());
  for (const DrainReport& report : reports) {
    EXPECT_EQ(report.cut, clients.size());
    EXPECT_EQ(report.duration, reports[0].duration);
  }
}

TEST(Destructor, of_a_server_that_was_never_started) {
  const Footprint before = Footprint::now();
  {
    Handler handler;
    Server server{on_loopback({.shards = 2, .accept_thread = true}), handler};
    EXPECT_EQ(server.wait().cut, 0U);
  }
  EXPECT_EQ(footprint_after(before), before);
}

TEST(Destructor, of_a_server_that_runs_cuts_what_is_open) {
  const Footprint before = Footprint::now();
  Journal journal;
  std::vector<Client> clients;
  {
    Server server{on_loopback({.shards = 2}), journal};
    server.start();
    for (int count = 0; count < 10; ++count) clients.emplace_back(server.port());
    journal.wait_for(Told::connect, clients.size());
  }
  for (Client& client : clients) EXPECT_NE(client.end(), Ending::silent);
  for (const Entry& entry : journal.all(Told::disconnect))
    EXPECT_EQ(entry.end.reason, DisconnectReason::drain_deadline);
  EXPECT_EQ(journal.disorder(), "");
  EXPECT_EQ(journal.count(Told::server_close), 2U);
  clients.clear();
  EXPECT_EQ(footprint_after(before), before);
}

TEST(Destructor, of_a_server_that_was_drained) {
  const Footprint before = Footprint::now();
  for (int round = 0; round < 20; ++round) {
    Journal journal;
    LiveServer server{journal, {.shards = 2, .accept_thread = round % 2 == 0}};
    server.stop();
  }
  EXPECT_EQ(footprint_after(before), before);
}

TEST(Destructor, destroys_each_shards_handler_on_its_thread_after_its_last_call) {
  struct Witness : Handler {
    Witness(std::atomic<int>& closed, std::atomic<int>& destroyed) : closed_{closed}, destroyed_{destroyed} {}
    ~Witness() override {
      EXPECT_EQ(thread_, std::this_thread::get_id());
      EXPECT_TRUE(told_);
      ++destroyed_;
    }
    void on_server_close() override {
      told_ = true;
      ++closed_;
    }
    std::atomic<int>& closed_;
    std::atomic<int>& destroyed_;
    std::thread::id thread_ = std::this_thread::get_id();
    bool told_ = false;
  };
  std::atomic<int> closed{0};
  std::atomic<int> destroyed{0};
  {
    Server server(on_loopback({.shards = 3}), [&](unsigned) { return std::make_unique<Witness>(closed, destroyed); });
    server.start();
    server.request_drain(0ms);
    server.wait();
    EXPECT_EQ(closed, 3);
    EXPECT_EQ(destroyed, 3);
  }
}

}  // namespace
}  // namespace iocpp::tests

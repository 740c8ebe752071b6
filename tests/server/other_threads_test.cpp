// What other threads may do: send, disconnect, abort, half-close by id, and post tasks.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <thread>

#include "server/gate.hpp"
#include "server/live_server.hpp"
#include "support/latch.hpp"

namespace iocpp::tests {
namespace {

using namespace std::chrono_literals;

constexpr unsigned senders = 4;
constexpr unsigned messages = 3'000;

/// "2:000017;": thread 2's message 17.
std::string message(unsigned thread, unsigned number) {
  std::string digits = std::to_string(number);
  return std::to_string(thread) + ":" + std::string(6 - digits.size(), '0') + digits + ";";
}
constexpr std::size_t message_bytes = 9;

/// What four threads sent to one connection: how much of it the mailbox took.
struct Senders {
  std::atomic<std::uint64_t> accepted_bytes{0};
  std::atomic<std::uint64_t> accepted{0};
  std::vector<std::thread> threads;

  /// Each sends its messages in order, again when the mailbox is full, and stops when the server has ended.
  void start(Server& server, ConnectionId id) {
    for (unsigned thread = 0; thread < senders; ++thread) {
      threads.emplace_back([this, &server, id, thread] {
        for (unsigned number = 0; number < messages;) {
          const std::error_code error = server.send(id, bytes_of(message(thread, number)));
          if (error == errc::closed) return;
          if (error == errc::would_block) {
            std::this_thread::yield();
            continue;
          }
          EXPECT_EQ(error, std::error_code{});
          accepted_bytes += message_bytes;
          ++accepted;
          ++number;
        }
      });
    }
  }
  void join() {
    for (std::thread& thread : threads) thread.join();
  }
};

std::uint64_t failed_bytes(const Journal& journal) {
  std::uint64_t sum = 0;
  for (const Entry& entry : journal.all(Told::send_failed)) sum += entry.bytes;
  return sum;
}

TEST(ServerSend, keeps_each_threads_order) {
  Journal journal;
  LiveServer server{journal};
  Client client = server.connect();
  const ConnectionId id = journal.wait_for(Told::connect).id;
  Senders sending;
  sending.start(*server, id);
  const std::string all = client.receive(senders * messages * message_bytes);
  sending.join();
  ASSERT_EQ(all.size(), senders * messages * message_bytes);
  std::array<unsigned, senders> next{};
  for (std::size_t at = 0; at < all.size(); at += message_bytes) {
    const auto thread = static_cast<unsigned>(all[at] - '0');
    ASSERT_LT(thread, senders);
    ASSERT_EQ(all.substr(at, message_bytes), message(thread, next[thread]));
    ++next[thread];
  }
  EXPECT_EQ(journal.count(Told::send_failed), 0U);
}

TEST(ServerSend, comes_back_once_for_each_that_did_not_reach_the_connection) {
  Journal journal;
  std::atomic<std::uint64_t> sent{0};
  journal.sent = [&](Connection connection, std::size_t bytes) {
    if ((sent += bytes) > senders * messages * message_bytes / 4) connection.abort();
  };
  LiveServer server{journal};
  Client client = server.connect();
  const ConnectionId id = journal.wait_for(Told::connect).id;
  Senders sending;
  sending.start(*server, id);
  client.end();
  sending.join();
  EXPECT_EQ(sending.accepted, senders * messages);
  journal.wait_for(Told::disconnect);
  ASSERT_EQ(server->send(id, bytes_of("too late")), std::error_code{});
  sending.accepted_bytes += 8;
  server.on_shard([] {});  // behind all of them in the mailbox

  const Counters counters = server.counters();
  EXPECT_EQ(counters.bytes_sent + counters.unsent_bytes + failed_bytes(journal), sending.accepted_bytes);
  EXPECT_GT(journal.count(Told::send_failed), 0U);
  for (const Entry& entry : journal.all(Told::send_failed)) {
    EXPECT_EQ(entry.id, id);
    EXPECT_EQ(entry.error, errc::closed);
  }
}

TEST(ServerSend, comes_back_once_for_each_when_the_server_stops) {
  Journal journal;
  LiveServer server{journal, {.mailbox_bytes_max = 16U << 10}};
  Client client = server.connect();
  const ConnectionId id = journal.wait_for(Told::connect).id;
  Senders sending;
  sending.start(*server, id);
  EXPECT_EQ(client.receive(1000).size(), 1000U);
  server.stop();
  sending.join();
  EXPECT_EQ(server->send(id, bytes_of("late")), errc::closed);
  const Counters counters = server.counters();
  EXPECT_EQ(counters.bytes_sent + counters.unsent_bytes + failed_bytes(journal), sending.accepted_bytes);
}

TEST(ServerSend, past_the_hard_cap_comes_back_as_overflow) {
  Journal journal;
  Options options;
  options.send_queue_bytes_low = options.send_queue_bytes_high = 500;
  options.send_queue_bytes_max = 1'000;
  LiveServer server{journal, options};
  Client client = server.connect();
  const ConnectionId id = journal.wait_for(Told::connect).id;
  ASSERT_EQ(server->send(id, std::vector<std::byte>(1'001)), std::error_code{});
  const Entry failed = journal.wait_for(Told::send_failed);
  EXPECT_EQ(failed.bytes, 1'001U);
  EXPECT_EQ(failed.error, errc::send_overflow) << failed.error.message();
  EXPECT_EQ(journal.wait_for(Told::disconnect).end.reason, DisconnectReason::send_overflow);
}

/// A server whose thread is held in on_receive until `let_go`.
struct HeldServer {
  explicit HeldServer(const Options& options) {
    journal.received = [this](Connection, std::span<const std::byte>) { gate.wait(); };
    server.emplace(journal, options);
    client.emplace(server->connect());
    client->send("hold");
    id = journal.wait_for(Told::receive).id;
  }
  ~HeldServer() { gate.open(); }

  Journal journal;
  Gate gate;
  std::optional<LiveServer> server;
  std::optional<Client> client;
  ConnectionId id;
};

TEST(ServerSend, would_block_when_the_mailbox_is_full_and_delivers_what_it_took) {
  HeldServer held{{.mailbox_bytes_max = 4'096}};
  Server& server = **held.server;
  std::string taken;
  std::error_code error;
  for (unsigned number = 0; number < 1'000 && !error; ++number) {
    const std::string text = message(0, number);
    error = server.send(held.id, bytes_of(text));
    if (!error) taken += text;
  }
  EXPECT_EQ(error, errc::would_block);
  std::vector<std::byte> refused = bytes_of("to be tried again");
  EXPECT_EQ(server.send(held.id, std::move(refused)), errc::would_block);
  EXPECT_EQ(refused, bytes_of("to be tried again"));
  EXPECT_FALSE(taken.empty());
  EXPECT_EQ(server.counters().mailbox_full, 2U);
  held.gate.open();
  EXPECT_EQ(held.client->receive(taken.size()), taken);
  held.server->on_shard([] {});
  EXPECT_EQ(server.send(held.id, bytes_of("x")), std::error_code{}) << "there is room again";
}

TEST(ServerSend, of_more_than_the_whole_mailbox_is_taken_when_it_is_empty) {
  Journal journal;
  LiveServer server{journal, {.mailbox_bytes_max = 1}};
  Client client = server.connect();
  const ConnectionId id = journal.wait_for(Told::connect).id;
  const std::string large = pattern(100'000);
  EXPECT_EQ(server->send(id, bytes_of(large)), std::error_code{});
  EXPECT_TRUE(client.receive(large.size()) == large);
}

TEST(ServerCalls, end_a_connection_by_id) {
  Journal journal;
  LiveServer server{journal};
  Client closed = server.connect();
  const ConnectionId to_close = journal.wait_for(Told::connect, 1).id;
  Client aborted = server.connect();
  const ConnectionId to_abort = journal.wait_for(Told::connect, 2).id;
  Client half_closed = server.connect();
  const ConnectionId to_half_close = journal.wait_for(Told::connect, 3).id;

  ASSERT_EQ(server->send(to_close, bytes_of("last words")), std::error_code{});
  ASSERT_EQ(server->disconnect(to_close), std::error_code{});
  std::string all;
  EXPECT_EQ(closed.end(&all), Ending::in_order);
  EXPECT_EQ(all, "last words");
  closed.close();
  const Entry first = journal.wait_for(Told::disconnect, 1);
  EXPECT_EQ(first.id, to_close);
  EXPECT_EQ(first.end.reason, DisconnectReason::local_close);

  ASSERT_EQ(server->abort(to_abort), std::error_code{});
  EXPECT_PRED1(is_reset, aborted.end());
  const Entry second = journal.wait_for(Told::disconnect, 2);
  EXPECT_EQ(second.id, to_abort);
  EXPECT_EQ(second.end.reason, DisconnectReason::local_abort);

  ASSERT_EQ(server->shutdown_send(to_half_close), std::error_code{});
  EXPECT_EQ(half_closed.end(), Ending::in_order);
  half_closed.send("still heard");
  EXPECT_TRUE(journal.wait_for_bytes(to_half_close, 11));

  EXPECT_EQ(server->disconnect(to_close), std::error_code{}) << "a connection that is gone is no error";
  EXPECT_EQ(server->abort(to_close), std::error_code{});
  EXPECT_EQ(server->shutdown_send(to_close), std::error_code{});
}

TEST(ServerPost, runs_on_the_shards_thread_in_order) {
  Journal journal;
  LiveServer server{journal, {.shards = 2}};
  std::array<std::thread::id, 2> threads;
  for (unsigned shard = 0; shard < 2; ++shard) {
    std::vector<int> order;
    for (int number = 0; number < 1'000; ++number)
      ASSERT_EQ(server->post(shard, [&order, number] { order.push_back(number); }), std::error_code{});
    server.on_shard([&] { threads[shard] = std::this_thread::get_id(); }, shard);
    ASSERT_EQ(order.size(), 1'000U);
    EXPECT_TRUE(std::ranges::is_sorted(order));
  }
  EXPECT_NE(threads[0], threads[1]);
  EXPECT_EQ(server->post(2, [] {}), errc::invalid_argument);
}

// It was taken, and thrown as std::bad_function_call on the shard's thread.
TEST(ServerPost, of_no_task_is_refused) {
  Journal journal;
  LiveServer server{journal};
  EXPECT_EQ(server->post(0, {}), errc::invalid_argument);
  EXPECT_EQ(server->post_after(0, std::chrono::seconds{0}, {}), errc::invalid_argument);
  server.on_shard([] {});
  EXPECT_EQ(server.counters().handler_exceptions, 0U);
}

TEST(ServerPost, task_that_is_not_run_is_destroyed) {
  Journal journal;
  LiveServer server{journal};
  const auto witness = std::make_shared<int>(0);
  std::atomic<unsigned> ran{0};
  std::atomic<unsigned> taken{0};
  Latch begun{1};
  std::thread poster{[&] {
    for (;;) {
      if (server->post(0, [witness, &ran] { ++ran; }) == errc::closed) return;
      if (++taken == 100) begun.count_down();
    }
  }};
  begun.wait();
  server.stop();
  poster.join();
  EXPECT_EQ(witness.use_count(), 1);
  EXPECT_LE(ran, taken);
  EXPECT_GE(ran, 1U);
}

TEST(ServerSend, from_a_callback_to_its_own_shard) {
  Journal journal;
  std::atomic<Server*> sender{nullptr};
  journal.received = [&](Connection connection, std::span<const std::byte> bytes) {
    EXPECT_EQ(sender.load()->send(connection.id(), bytes), std::error_code{});
  };
  LiveServer server{journal};
  sender = &*server;
  EXPECT_EQ(server.connect().echo("round the mailbox"), "round the mailbox");
}

/// Lets others have the handle of its first connection.
class KeepsConnection : public Journal {
 public:
  KeepsConnection() {
    connected = [this](Connection connection) {
      kept_ = connection;
      is_kept_.count_down();
    };
  }
  Connection kept() {
    is_kept_.wait();
    return kept_;
  }

 private:
  Connection kept_;
  Latch is_kept_{1};
};

/// What `kept` answers to whoever may not use it; nothing of it is done, and each call is counted.
void expect_closed_to_us(Connection kept) {
  EXPECT_FALSE(kept.is_open());
  EXPECT_TRUE(kept.send("from nowhere").closed);
  EXPECT_EQ(kept.send_queue_bytes(), 0U);
  Address address;
  EXPECT_EQ(kept.peer_address(address), errc::closed);
  kept.pause_receive();
  kept.shutdown_send();
  kept.close();
  kept.abort();
  EXPECT_EQ(kept.context<int>(), nullptr);
  EXPECT_THROW(kept.emplace_context<int>(1), std::system_error);
}
constexpr std::uint64_t calls_to_us = 10;

// Before, it said "queued", and the bytes lay there until the shard happened to wake.
TEST(ConnectionHandle, answers_closed_on_another_thread_and_is_counted) {
  KeepsConnection journal;
  journal.received = [](Connection connection, std::span<const std::byte> bytes) { connection.send(bytes); };
  LiveServer server{journal};
  Client client = server.connect();
  const Connection kept = journal.kept();
  expect_closed_to_us(kept);
  EXPECT_EQ(server.counters().misplaced_calls, calls_to_us);
  client.send("goes on");
  EXPECT_EQ(client.receive(7), "goes on");
  EXPECT_EQ(server.counters().misplaced_calls, calls_to_us);
}

TEST(ConnectionHandle, answers_closed_in_a_task_of_another_shard) {
  KeepsConnection journal;
  LiveServer server{journal, {.shards = 2}};
  Client client = server.connect();
  const Connection kept = journal.kept();
  server.on_shard([&] { expect_closed_to_us(kept); }, 1 - kept.id().shard());
  EXPECT_EQ(server.counters().misplaced_calls, calls_to_us);
  server.on_shard([&] { EXPECT_TRUE(kept.is_open() && kept.send("from here")); }, kept.id().shard());
  EXPECT_EQ(client.receive(9), "from here");
}

}  // namespace
}  // namespace iocpp::tests

// Limits on real sockets: who is refused and how, who waits and is served later, and what accept_health says meanwhile.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "server/gate.hpp"
#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

struct Layout {
  unsigned shards;
  bool accept_thread;

  friend std::ostream& operator<<(std::ostream& out, const Layout& layout) {
    return out << layout.shards << (layout.accept_thread ? " shards, accept thread" : " shards");
  }
};

class LimitsOf : public ::testing::TestWithParam<Layout> {
 protected:
  LimitsOf() { journal.received = echo; }
  Options options(const Limits& limits) const {
    return {.shards = GetParam().shards, .accept_thread = GetParam().accept_thread, .limits = limits};
  }
  static std::uint64_t refused(const Counters& counters, Refusal why) {
    return counters.refused_for[static_cast<std::size_t>(why)];
  }

  Journal journal;
};

INSTANTIATE_TEST_SUITE_P(Layouts, LimitsOf, ::testing::Values(Layout{1, false}, Layout{2, false}, Layout{2, true}));

TEST_P(LimitsOf, an_address_that_has_enough_is_refused_and_comes_back_when_it_has_less) {
  LiveServer server{journal, options({.connections_per_address = 2, .loopback_too = true})};
  Client first = server.connect();
  Client second = server.connect();
  EXPECT_EQ(first.echo("1"), "1");
  EXPECT_EQ(second.echo("2"), "2");
  for (int client = 0; client < 10; ++client) EXPECT_TRUE(is_reset(server.connect().end()));
  EXPECT_TRUE(eventually([&] { return refused(server.counters(), Refusal::connections_per_address) == 10; }));
  EXPECT_EQ(server.counters().refused, 10U);
  first.close();
  EXPECT_TRUE(eventually([&] { return server.counters().connections_open == 1; }));
  EXPECT_EQ(server.connect().echo("3"), "3");
  EXPECT_EQ(server.counters().addresses_untracked, 0U);
}

TEST_P(LimitsOf, this_machines_addresses_are_exempt_unless_asked) {
  LiveServer server{journal, options({.connections_per_address = 1})};
  std::vector<Client> clients;
  for (int client = 0; client < 5; ++client) {
    clients.push_back(server.connect());
    EXPECT_EQ(clients.back().echo("x"), "x");
  }
}

TEST_P(LimitsOf, who_is_refused_sees_an_end_or_a_reset_as_the_option_says) {
  for (const WhenFull when_full : {WhenFull::close, WhenFull::reset}) {
    Journal own;
    own.received = echo;
    LiveServer server{own, options({.connections_max = 1, .when_full = when_full})};
    Client first = server.connect();
    EXPECT_EQ(first.echo("1"), "1");
    const Ending ending = server.connect().end();
    EXPECT_TRUE(when_full == WhenFull::close ? ending == Ending::in_order : is_reset(ending)) << to_string(when_full);
    EXPECT_TRUE(eventually([&] { return refused(server.counters(), Refusal::connections_max) == 1; }));
  }
}

TEST_P(LimitsOf, a_rate_refuses_what_is_beyond_its_burst) {
  LiveServer server{journal, options({.accepts_per_second = 1, .accepts_burst = 3})};
  std::vector<Client> clients;
  std::uint64_t served = 0;
  for (int client = 0; client < 20; ++client) {
    clients.push_back(server.connect());
    served += clients.back().send_until_refused("x") == 1 && clients.back().receive(1) == "x" ? 1U : 0U;
  }
  const Counters counters = server.counters();
  EXPECT_GE(served, 3U);
  EXPECT_EQ(served, counters.accepted);
  EXPECT_EQ(counters.accepted + refused(counters, Refusal::accepts_per_second), 20U);
}

/// On whichever shard a connection ends, the clients that wait on the others' listeners are let in.
TEST_P(LimitsOf, while_a_limit_pauses_clients_wait_and_none_is_refused) {
  // Accepts in flight may pass the limit; with one a listener, by so many.
  Options paused = options({.connections_max = 4, .when_full = WhenFull::pause});
  paused.accepts_in_flight = 1;
  LiveServer server{journal, paused};
  const std::size_t late = accepting_threads(*server);
  std::vector<Client> clients;
  constexpr std::size_t all = 60;
  for (std::size_t client = 0; client < all; ++client) {
    clients.push_back(server.connect());
    clients.back().send("x");
  }
  for (std::size_t client = 0; client < all; ++client) {
    // In the order in which the server has them, which is each listener's own: whoever is answered leaves.
    ASSERT_TRUE(eventually([&] { return server.counters().bytes_sent > client; }));
    EXPECT_LE(server.counters().connections_open, 4 + late);
    std::vector<PollEntry> waiting;
    for (Client& each : clients) waiting.push_back({.fd = each.descriptor(), .events = POLLIN, .revents = 0});
    ASSERT_GT(poll_sockets(waiting.data(), waiting.size(), 20'000), 0);
    const auto found = std::ranges::find_if(waiting, [](const PollEntry& entry) { return entry.revents != 0; });
    const auto answered = clients.begin() + (found - waiting.begin());
    EXPECT_EQ(answered->receive(1), "x");
    clients.erase(answered);
  }
  ASSERT_TRUE(eventually([&] { return server.counters().connections_open == 0; }));
  const Counters counters = server.counters();
  EXPECT_EQ(counters.accepted, all);
  EXPECT_EQ(counters.refused, 0U);
  EXPECT_GE(counters.accept_pauses, 1U);
  EXPECT_EQ(counters.listeners_waiting, 0U);
}

TEST_P(LimitsOf, a_rate_that_pauses_lets_everybody_in_in_the_end) {
  LiveServer server{journal, options({.accepts_per_second = 100, .accepts_burst = 5, .when_full = WhenFull::pause})};
  std::vector<Client> clients;
  for (int client = 0; client < 30; ++client) clients.push_back(server.connect());
  for (Client& client : clients) EXPECT_EQ(client.echo("x"), "x");
  EXPECT_EQ(server.counters().refused, 0U);
  EXPECT_GE(server.counters().accept_pauses, 1U);
}

TEST_P(LimitsOf, who_waits_for_a_place_when_the_drain_begins_is_accepted_or_refused_at_its_deadline) {
  Options paused = options({.connections_max = 1, .when_full = WhenFull::pause});
  paused.accepts_in_flight = 1;
  paused.linger_timeout = std::chrono::milliseconds{20};  // the clients do not leave by themselves
  LiveServer server{journal, paused};
  std::vector<Client> clients;
  for (int client = 0; client < 8; ++client) clients.push_back(server.connect());
  EXPECT_EQ(clients.front().echo("x"), "x");
  server.stop(std::chrono::seconds{20});
  for (Client& client : clients) EXPECT_NE(client.end(), Ending::silent);
  EXPECT_EQ(server.counters().accepted + server.counters().refused, 8U);
}

TEST(AcceptHealth, tells_of_each_listener) {
  Journal journal;
  journal.received = echo;
  LiveServer server{journal, {.shards = 2}};
  AcceptHealth health = server->accept_health();
  EXPECT_FALSE(health.accept_stalled);
  ASSERT_EQ(health.listeners.size(), accepting_threads(*server));
  EXPECT_FALSE(health.listeners.front().since_last_accept);
  std::vector<Client> clients;
  for (int client = 0; client < 10; ++client) {
    clients.push_back(server.connect());
    EXPECT_EQ(clients.back().echo("x"), "x");
  }
  health = server->accept_health();
  std::uint64_t accepted = 0;
  for (const ListenerHealth& listener : health.listeners) {
    EXPECT_EQ(listener.state, AcceptState::accepting);
    EXPECT_GE(listener.accepts_in_flight, 1U);
    EXPECT_FALSE(listener.stalled);
    accepted += listener.accepted;
    EXPECT_TRUE(!listener.queue || listener.queue->most > 0U);
  }
  EXPECT_EQ(accepted, 10U);
  server.stop();
  for (const ListenerHealth& listener : server->accept_health().listeners)
    EXPECT_EQ(listener.state, AcceptState::closed);
}

/// What the loop itself can't tell: it is in a callback that does not return, and clients wait.
TEST(AcceptHealth, a_callback_that_does_not_return_stalls_its_listener) {
  Journal journal;
  Gate gate;
  std::atomic<bool> inside{false};
  journal.received = [&](Connection, std::span<const std::byte>) {
    inside = true;
    EXPECT_TRUE(gate.wait());
  };
  LiveServer server{journal};
  Client first = server.connect();
  first.send("x");
  ASSERT_TRUE(eventually([&] { return inside.load(); }));
  EXPECT_FALSE(server->accept_health(std::chrono::hours{1}).accept_stalled);
  Client second = server.connect();
  ASSERT_TRUE(eventually([&] { return server->accept_health(std::chrono::milliseconds{1}).accept_stalled; }));
  const AcceptHealth health = server->accept_health(std::chrono::milliseconds{1});
  EXPECT_GT(health.longest_turn.count(), 0);
  EXPECT_TRUE(health.listeners.front().stalled);
  gate.open();
  EXPECT_TRUE(eventually([&] { return !server->accept_health(std::chrono::milliseconds{1'000}).accept_stalled; }));
}

TEST(AcceptHealth, a_listener_that_a_limit_pauses_has_a_queue_and_is_not_stalled) {
  Journal journal;
  journal.received = echo;
  LiveServer server{journal, {.accepts_in_flight = 1, .limits = {.connections_max = 1, .when_full = WhenFull::pause}}};
  std::vector<Client> clients;
  for (int client = 0; client < 5; ++client) clients.push_back(server.connect());
  EXPECT_EQ(clients.front().echo("x"), "x");
  ASSERT_TRUE(eventually([&] { return server.counters().listeners_paused == 1; }));
  EXPECT_TRUE(eventually([&] {
    const AcceptHealth health = server->accept_health(std::chrono::milliseconds{1});
    const ListenerHealth& listener = health.listeners.front();
    EXPECT_EQ(listener.state, AcceptState::paused);
    return !health.accept_stalled && (!listener.queue || listener.queue->depth == 4);
  }));
}

TEST(PublicInternet, has_limits_for_addresses_and_a_rate_for_all) {
  const Options options = Options::public_internet();
  EXPECT_GT(options.limits.connections_per_address, 0U);
  EXPECT_GT(options.limits.accepts_per_second_per_address, 0U);
  EXPECT_GT(options.limits.accepts_per_second, 0U);
  EXPECT_FALSE(options.limits.loopback_too);
  Journal journal;
  journal.received = echo;
  LiveServer server{journal, options};
  EXPECT_EQ(server.connect().echo("x"), "x");
}

}  // namespace
}  // namespace iocpp::tests

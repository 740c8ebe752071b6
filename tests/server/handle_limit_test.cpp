// The handle limit and connections_max, for real: everyone is answered, nothing spins, and accepting comes back by
// itself.
#include <gtest/gtest.h>

#include "server/live_server.hpp"
#include "server/server_process.hpp"

namespace iocpp::tests {
namespace {

/// What became of a client that connected and said something.
enum class Visit : std::uint8_t { served, refused, silent };

std::ostream& operator<<(std::ostream& out, Visit outcome) {
  constexpr std::array<const char*, 3> names{"served", "refused", "silent"};
  return out << names[static_cast<std::size_t>(outcome)];
}

Visit visit(std::uint16_t port, std::vector<Client>& served) {
  Client client{port};
  if (client.send_until_refused("x") == 1 && client.receive(1) == "x") {
    served.push_back(std::move(client));
    return Visit::served;
  }
  return client.end() == Ending::silent ? Visit::silent : Visit::refused;
}

/// Visits until 30 clients in a row were refused, and counts the refused ones in all.
void fill(ServerProcess& server, std::vector<Client>& served, std::uint64_t& refused) {
  for (int in_a_row = 0; in_a_row < 30;) {
    ASSERT_LT(served.size(), 1'000U);
    const Visit outcome = visit(server.port(), served);
    ASSERT_NE(outcome, Visit::silent) << served.size() << " served, " << refused << " refused";
    in_a_row = outcome == Visit::served ? 0 : in_a_row + 1;
    refused += outcome == Visit::refused ? 1U : 0U;
  }
}

struct Layout {
  unsigned shards;
  bool accept_thread;

  friend std::ostream& operator<<(std::ostream& out, const Layout& layout) {
    return out << layout.shards << (layout.accept_thread ? " shards, accept thread" : " shards");
  }
};

class HandleLimit : public ::testing::TestWithParam<Layout> {
 protected:
  ServerProcess server{{.shards = GetParam().shards, .accept_thread = GetParam().accept_thread, .handles = 64}};
};

TEST_P(HandleLimit, refuses_with_an_answer_and_recovers_by_itself) {
  std::vector<Client> served;
  std::uint64_t refused = 0;
  std::uint64_t attempts_before = 0;
  for (int episode = 0; episode < 3; ++episode) {
    ASSERT_NO_FATAL_FAILURE(fill(server, served, refused));
    EXPECT_TRUE(eventually([&] { return server.counters().shed == refused; }));  // counted just after the close
    const ServerProcess::Numbers full = server.counters();
    EXPECT_GE(full.accept_no_handles, 1U);
    // An accept that found no handle is tried again at most after 1, 2, 4 ... ms, then once a second, for each of the
    // listeners.
    EXPECT_LE(full.accept_attempts - attempts_before, 40U * GetParam().shards);
    attempts_before = full.accept_attempts;

    ASSERT_GT(served.size(), 20U);
    served.erase(served.begin(), served.begin() + 15);
    EXPECT_TRUE(eventually([&] { return server.counters().connections_open == served.size(); }));
    std::size_t later_served = 0;
    EXPECT_TRUE(eventually([&] {
      const Visit outcome = visit(server.port(), served);
      EXPECT_NE(outcome, Visit::silent);
      refused += outcome == Visit::refused ? 1U : 0U;
      later_served += outcome == Visit::served ? 1U : 0U;
      return later_served == 10 || outcome == Visit::silent;
    }));
  }
  const ServerProcess::Numbers at_end = server.counters();
  EXPECT_EQ(at_end.accepted, at_end.connections_open + at_end.disconnected);
  EXPECT_EQ(at_end.connections_open, served.size());
}

INSTANTIATE_TEST_SUITE_P(Layouts, HandleLimit, ::testing::Values(Layout{1, false}, Layout{2, false}, Layout{2, true}));

TEST(HandleLimitOfOneShard, ends_with_the_servers_own_close) {
  ServerProcess server{{.handles = 64}};
  std::vector<Client> served;
  std::uint64_t refused = 0;
  ASSERT_NO_FATAL_FAILURE(fill(server, served, refused));
  // The retries are a good part of a second apart by now: what comes in the turn after the close comes of the close.
  EXPECT_TRUE(eventually([&] { return server.counters().accept_no_handles >= 9; }));
  EXPECT_EQ(server.counters().listeners_waiting, 1U);
  const ServerProcess::Rearming rearming = server.reset_one();
  EXPECT_EQ(rearming.attempts_a_turn_later, rearming.attempts_at_close + 1);
  EXPECT_EQ(visit(server.port(), served), Visit::served);
}

TEST(ConnectionsMax, refuses_more_and_serves_again) {
  for (const bool accept_thread : {false, true}) {
    Journal journal;
    journal.received = echo;
    LiveServer server{journal, {.shards = 2, .accept_thread = accept_thread, .limits = {.connections_max = 3}}};
    std::vector<Client> served;
    for (int count = 0; count < 3; ++count) EXPECT_EQ(visit(server->port(), served), Visit::served);
    for (int count = 0; count < 20; ++count) EXPECT_EQ(visit(server->port(), served), Visit::refused);
    EXPECT_EQ(server.counters().refused, 20U);
    EXPECT_EQ(server.counters().accepted, 3U);
    served.pop_back();
    ASSERT_TRUE(eventually([&] { return server.counters().connections_open == 2; }));
    EXPECT_TRUE(eventually([&] { return visit(server->port(), served) == Visit::served; }));
  }
}

}  // namespace
}  // namespace iocpp::tests

// The accept chain over faulty completion ports: every way in which an accept can fail on Windows, once, ten times,
// more often than the pool has accepts. After each the pool is full again, no handle is lost, and the next client is
// served.
#include <gtest/gtest.h>

#include <ostream>

#include "accepting/iocp_shard.hpp"

namespace iocpp::tests {
namespace {

using core::AcceptOutcome;
using Kind = IocpFault::Kind;

struct Row {
  const char* name;
  IocpFault fault;
  AcceptOutcome outcome;
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

constexpr Row rows[] = {
    {"completes_64", {Kind::completes, 64}, AcceptOutcome::drop_client},
    {"completes_10054", {Kind::completes, 10054}, AcceptOutcome::drop_client},
    {"completes_1236", {Kind::completes, 1236}, AcceptOutcome::drop_client},
    {"completes_59", {Kind::completes, 59}, AcceptOutcome::drop_client},
    {"completes_121", {Kind::completes, 121}, AcceptOutcome::drop_client},
    {"completes_unknown", {Kind::completes, 4001}, AcceptOutcome::drop_client},
    {"completes_10055", {Kind::completes, 10055}, AcceptOutcome::retry_later},
    {"completes_1450", {Kind::completes, 1450}, AcceptOutcome::retry_later},
    {"completes_995_that_we_did_not_ask_for", {Kind::completes, 995}, AcceptOutcome::cancelled},
    {"post_fails_10055", {Kind::post_fails, 10055}, AcceptOutcome::retry_later},
    {"post_fails_10024", {Kind::post_fails, 10024}, AcceptOutcome::retry_later},
    {"post_fails_10054", {Kind::post_fails, 10054}, AcceptOutcome::drop_client},
    {"post_fails_10022", {Kind::post_fails, 10022}, AcceptOutcome::listener_lost},
    {"socket_fails_10055", {Kind::socket_fails, 10055}, AcceptOutcome::retry_later},
    {"socket_fails_10024", {Kind::socket_fails, 10024}, AcceptOutcome::retry_later},
};

constexpr Row rows_of_clients[] = {
    {"context_10057", {Kind::context_fails, 10057}, AcceptOutcome::drop_client},
    {"context_10055", {Kind::context_fails, 10055}, AcceptOutcome::retry_later},
    {"context_10054", {Kind::context_fails, 10054}, AcceptOutcome::drop_client},
};

std::uint64_t counted(IocpShard& shard, AcceptOutcome outcome) {
  core::ShardCounters& counters = shard.counters();
  switch (outcome) {
    case AcceptOutcome::drop_client:
      return counters.accept_dropped.get();
    case AcceptOutcome::retry_later:
      return counters.accept_no_resources.get();
    default:
      return 0;
  }
}

constexpr std::size_t how_often[] = {1, 10, 40};

class IocpAcceptRow : public ::testing::TestWithParam<std::tuple<Row, std::size_t>> {};

TEST_P(IocpAcceptRow, then_the_next_client_is_served) {
  const auto& [row, times] = GetParam();
  const std::size_t descriptors_before = descriptors();
  {
    IocpScript script;
    script.faults.assign(times, row.fault);
    IocpShard shard{script};
    shard.open();
    ASSERT_TRUE(shard.until_script_is_over());
    if (row.outcome == AcceptOutcome::listener_lost) {
      EXPECT_GE(shard.counters().listeners_restored.get(), 1U);
      EXPECT_GT(shard.handler().told(ServerError::Kind::listener_restored), 0U);
    } else if (row.outcome != AcceptOutcome::cancelled) {
      EXPECT_EQ(counted(shard, row.outcome), times);
    }
    EXPECT_LE(script.most_at_one_instant(), 48U) << "a spin: the pool filled, failed as a whole, and filled again";
    shard.expect_served();
    shard.expect_served();
  }
  EXPECT_EQ(descriptors(), descriptors_before);
}

class IocpClientRow : public IocpAcceptRow {};

TEST_P(IocpClientRow, a_client_that_the_system_accepted_and_that_then_fails_is_closed_and_the_next_one_served) {
  // The ancestor's bug: SO_UPDATE_ACCEPT_CONTEXT failed with 10057, an early return, and no accept was posted again.
  const auto& [row, times] = GetParam();
  const std::size_t descriptors_before = descriptors();
  {
    IocpScript script;
    script.faults.assign(times, row.fault);
    IocpShard shard{script};
    shard.open();
    std::vector<Peer> clients;
    for (std::size_t client = 0; client < times; ++client) clients.emplace_back(shard.port());
    ASSERT_TRUE(shard.until_script_is_over());
    EXPECT_EQ(counted(shard, row.outcome), times);
    for (Peer& client : clients) EXPECT_EQ(client.end(), 0) << "closed, so that it need not wait";
    shard.expect_served();
    shard.expect_served();
  }
  EXPECT_EQ(descriptors(), descriptors_before);
}

class IocpInlineRow : public ::testing::TestWithParam<std::tuple<Kind, std::size_t>> {};

TEST_P(IocpInlineRow, clients_accepted_before_the_post_returns_are_served_as_well) {
  // UA-.NETStandard#290: a synchronous completion was ignored, and the listener fell silent.
  const auto& [kind, count] = GetParam();
  const std::size_t times = count;  // a lambda does not capture a binding, says clang 14
  IocpScript script;
  script.faults.assign(times, {kind, 0});
  IocpShard shard{script};
  std::vector<Peer> clients;
  for (std::size_t client = 0; client < times; ++client) {
    clients.emplace_back(shard.port());
    clients.back().send("early");
  }
  shard.open();
  ASSERT_TRUE(shard.until([&] { return shard.counters().bytes_sent.get() == 5 * times; }));
  for (Peer& client : clients) EXPECT_EQ(client.receive(5), "early");
  EXPECT_EQ(shard.engine().port().sys().accepted_at_once, static_cast<int>(times));
  clients.clear();
  ASSERT_TRUE(shard.until([&] { return shard.counters().connections_open.get() == 0; }));
  ASSERT_TRUE(shard.until_script_is_over());
  shard.expect_served();
}

template <class Row>
std::string name_of(const ::testing::TestParamInfo<std::tuple<Row, std::size_t>>& parameters) {
  const auto& [row, times] = parameters.param;
  const std::string often = "_" + std::to_string(times) + "_times";
  if constexpr (std::is_same_v<Row, Kind>) {
    return (row == Kind::at_once ? "answered_at_once" : "answered_pending") + often;
  } else {
    return row.name + often;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, IocpAcceptRow,
                         ::testing::Combine(::testing::ValuesIn(rows), ::testing::ValuesIn(how_often)), name_of<Row>);
INSTANTIATE_TEST_SUITE_P(Table, IocpClientRow,
                         ::testing::Combine(::testing::ValuesIn(rows_of_clients), ::testing::ValuesIn(how_often)),
                         name_of<Row>);
INSTANTIATE_TEST_SUITE_P(Table, IocpInlineRow,
                         ::testing::Combine(::testing::Values(Kind::at_once, Kind::before_it_returns),
                                            ::testing::ValuesIn(how_often)),
                         name_of<Kind>);

TEST(IocpAcceptChain, a_pool_of_one_survives_the_ancestors_bug) {
  // One accept in flight, as the ancestor had.
  IocpScript script;
  script.faults.assign(50, {Kind::context_fails, windows_error::wsaenotconn});
  IocpShard shard{script, 1};
  shard.open();
  for (int client = 0; client < 50; ++client) Peer{shard.port()}.reset();
  ASSERT_TRUE(shard.until_script_is_over(1));
  shard.expect_served();
}

TEST(IocpAcceptChain, ten_thousand_clients_that_reset_at_once_do_not_end_it) {
  IocpScript script;
  IocpShard shard{script};
  shard.open();
  for (std::uint64_t client = 1; client <= 10'000; ++client) {
    Peer{shard.port()}.reset();
    if (client % 100 == 0) {
      ASSERT_TRUE(shard.until(
          [&] { return shard.counters().accepted.get() + shard.counters().accept_dropped.get() == client; }));
    }
  }
  ASSERT_TRUE(shard.until([&] { return shard.counters().connections_open.get() == 0; }));
  shard.expect_served();
}

TEST(IocpAcceptChain, every_fault_in_random_order_converges) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Prng random{seed};
    IocpScript script;
    std::size_t clients_of_faults = 0;
    for (int count = 0; count < 300; ++count) {
      const std::uint64_t choice = random.below(std::size(rows) + std::size(rows_of_clients));
      const Row& row = choice < std::size(rows) ? rows[choice] : rows_of_clients[choice - std::size(rows)];
      if (row.outcome == AcceptOutcome::listener_lost) continue;
      clients_of_faults += row.fault.kind == Kind::context_fails ? 1U : 0U;
      script.faults.push_back(row.fault);
    }
    IocpShard shard{script};
    shard.open();
    std::vector<Peer> clients;
    for (std::size_t client = 0; client < clients_of_faults; ++client) clients.emplace_back(shard.port());
    ASSERT_TRUE(shard.until_script_is_over()) << "seed " << seed;
    shard.expect_served();
  }
}

TEST(IocpPort, receives_and_sends_that_find_no_resources_are_posted_again_when_there_are_some) {
  // lenholgate.com 2005/11: a receive that failed for want of resources was never posted again.
  IocpScript script;
  IocpShard shard{script};
  shard.open();
  script.receive_errors.assign(40, windows_error::wsaenobufs);
  script.send_errors.assign(40, windows_error::wsaenobufs);
  shard.expect_served();
  EXPECT_TRUE(script.receive_errors.empty());
  EXPECT_TRUE(script.send_errors.empty());
  EXPECT_EQ(shard.counters().resource_retries.get(), 80U);
}

TEST(IocpPort, a_failed_send_or_receive_ends_its_connection_only) {
  IocpScript script;
  IocpShard shard{script};
  shard.open();
  for (unsigned round = 0; round < 4; ++round) {
    (round < 2 ? script.receive_errors : script.send_errors)
        .assign(round < 2 ? 1U : round - 1U, windows_error::wsaeconnreset);
    Peer client{shard.port()};
    client.send("anybody there?");
    ASSERT_TRUE(shard.until([&] { return script.receive_errors.empty() && script.send_errors.size() <= 1; }));
    ASSERT_TRUE(shard.until([&] { return shard.counters().connections_open.get() == 0; }));
    script.send_errors.clear();
  }
  EXPECT_GE(shard.counters().disconnected[static_cast<std::size_t>(DisconnectReason::peer_reset)].get(), 4U);
  shard.expect_served();
}

TEST(IocpPort, a_wake_that_can_not_be_posted_is_not_lost) {
  // asio#344: PostQueuedCompletionStatus fails. Nobody sleeps on: the next wait returns at once.
  IocpScript script;
  IocpShard shard{script};
  shard.open();
  script.wakes_to_fail = 1;
  bool ran = false;
  auto message = std::make_unique<engine::Message>(engine::Message::Kind::task);
  message->task = [&] { ran = true; };
  ASSERT_FALSE(shard.engine().mailbox().put(message));
  const auto before = script.skipped;
  shard.turn();
  EXPECT_TRUE(ran);
  EXPECT_EQ(script.skipped, before) << "it slept";
}

TEST(IocpPort, no_wait_is_longer_than_a_second) {
  // The bound for a wake that fails while the shard sleeps already.
  IocpScript script;
  iocp::Port<FaultyIocp> port{&script};
  core::ShardCounters counters;
  engine::BackendConfig config;
  config.counters = &counters;
  ASSERT_EQ(port.open(config), 0);
  EXPECT_TRUE(port.wait(std::nullopt).empty());
  EXPECT_EQ(script.skipped, iocp::Port<FaultyIocp>::longest_sleep);
  EXPECT_EQ(port.wait_error(), 0);
  port.stop();
}

}  // namespace
}  // namespace iocpp::tests

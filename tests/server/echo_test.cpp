// Verified echo: every size, depth and number of connections over every arrangement of threads.
#include "server/echo_load.hpp"

#include <gtest/gtest.h>

#include <tuple>

#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

struct Threads {
  const char* name;
  unsigned shards;
  bool accept_thread;

  friend std::ostream& operator<<(std::ostream& out, const Threads& threads) { return out << threads.name; }
};

struct Echo : Handler {
  void on_receive(Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

class EchoTest : public ::testing::TestWithParam<std::tuple<Threads, EchoLoad>> {};

TEST_P(EchoTest, returns_every_byte) {
  const auto& [threads, load] = GetParam();
  Echo echo;
  Server server(on_loopback({.shards = threads.shards, .accept_thread = threads.accept_thread}), echo);
  server.start();

  EXPECT_EQ(run_echo_load(server.port(), load), "");

  server.request_drain(patience);
  server.wait();
  const Counters counters = server.counters();
  const std::uint64_t bytes = std::uint64_t{load.connections} * load.messages * load.message_bytes;
  EXPECT_EQ(counters.accepted, load.connections);
  EXPECT_EQ(disconnected(counters, DisconnectReason::peer_closed), load.connections);
  EXPECT_EQ(counters.bytes_received, bytes);
  EXPECT_EQ(counters.bytes_sent, bytes);
  EXPECT_EQ(counters.unsent_bytes, 0U);
}

std::string name_of(const ::testing::TestParamInfo<EchoTest::ParamType>& info) {
  const auto& [threads, load] = info.param;
  return std::string{threads.name} + "_" + std::to_string(load.connections) + "_connections_" +
         std::to_string(load.message_bytes) + "_bytes_depth_" + std::to_string(load.depth);
}

constexpr std::size_t kib = 1024;

// In Wine each call is another process's work too: many connections there show nothing that 64 do not.
#ifdef _WIN32
constexpr std::size_t many = 64;
#else
constexpr std::size_t many = 1'000;
#endif

// At most 64 MiB under way in each.
INSTANTIATE_TEST_SUITE_P(
    Echo, EchoTest,
    ::testing::Combine(
        ::testing::Values(Threads{"one_shard", 1, false}, Threads{"two_shards", 2, false},
                          Threads{"two_shards_and_accept_thread", 2, true}),
        ::testing::Values(EchoLoad{1, 64, 1, 500}, EchoLoad{1, 64, 16, 2'000}, EchoLoad{1, 4 * kib, 16, 500},
                          EchoLoad{1, 64 * kib, 1, 50}, EchoLoad{1, 64 * kib, 16, 100}, EchoLoad{1, 1'024 * kib, 1, 8},
                          EchoLoad{1, 1'024 * kib, 16, 32}, EchoLoad{16, 64, 16, 500}, EchoLoad{16, 4 * kib, 1, 100},
                          EchoLoad{16, 64 * kib, 16, 32}, EchoLoad{4, 1'024 * kib, 16, 16}, EchoLoad{many, 64, 1, 5},
                          EchoLoad{many, 64, 16, 32}, EchoLoad{many, 4 * kib, 16, 16}, EchoLoad{many, 64 * kib, 1, 1})),
    name_of);

}  // namespace
}  // namespace iocpp::tests

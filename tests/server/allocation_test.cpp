// What operations allocate once a shard has its memory: nothing. The program's operator new counts by thread.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <vector>

#include "core/allocations.hpp"
#include "iocpp/iocpp.hpp"
#include "server/client.hpp"
#include "support/backend_under_test.hpp"

namespace iocpp::tests {
namespace {

/// Counts, on the shard's thread, from its 101st call to its last one: in callbacks and between them.
struct CountingEcho : Handler {
  void on_receive(Connection connection, std::span<const std::byte> bytes) override { answer(connection, bytes); }

  void answer(Connection connection, std::span<const std::byte> bytes) {
    if (++calls == 101) before = core::allocations();
    connection.send(bytes);
    if (calls > 101) allocated = core::allocations() - before;
  }
  std::uint64_t calls = 0;
  std::uint64_t before = 0;
  std::atomic<std::uint64_t> allocated{0};
};

/// Answers when its timer is over, which is moved for each message before.
struct CountingTimers : CountingEcho {
  void on_receive(Connection connection, std::span<const std::byte> bytes) override {
    message.assign(bytes.begin(), bytes.end());
    connection.begin_message();
    connection.start_timer(std::chrono::hours{1});
    connection.start_timer(std::chrono::nanoseconds{0});
  }
  void on_timer(Connection connection) override {
    connection.end_message();
    answer(connection, message);
  }
  std::vector<std::byte> message;
};

class Operations : public ::testing::TestWithParam<std::size_t> {};

/// A slab is allocated when more is queued than ever before, which a short write may cause at any time.
constexpr std::uint64_t slabs = 4;

void expect_no_allocation_a_message(CountingEcho& echo, Options options, std::size_t bytes) {
  options.host = "127.0.0.1";
  options.backend = backend_under_test();
  Server server(options, echo);
  server.start();
  Client client{server.port()};
  const std::string text = pattern(bytes);
  for (int message = 0; message < 1'000; ++message) ASSERT_EQ(client.echo(text), text);
  server.request_drain(std::chrono::milliseconds{0});
  static_cast<void>(server.wait());
  EXPECT_GE(echo.calls, 1'000U);
  EXPECT_LE(echo.allocated, slabs);
}

TEST_P(Operations, do_not_allocate_each) {
  CountingEcho echo;
  expect_no_allocation_a_message(echo, {}, GetParam());
}

TEST(Timers, do_not_allocate_each) {
  using std::chrono::hours;
  CountingTimers echo;
  Options options;
  options.deadlines = {.first_byte = hours{1},
                       .idle_receive = hours{1},
                       .idle_send = hours{1},
                       .idle = hours{1},
                       .write = hours{1},
                       .lifetime = hours{1},
                       .min_rate_bytes = 1,
                       .min_rate_grace = hours{1}};
  expect_no_allocation_a_message(echo, options, 64);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Operations, ::testing::Values(64U, 20'000U));

}  // namespace
}  // namespace iocpp::tests

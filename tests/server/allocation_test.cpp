// What operations allocate once a shard has its memory: nothing. The program's operator new counts by thread.
#include <gtest/gtest.h>

#include <atomic>

#include "core/allocations.hpp"
#include "iocpp/iocpp.hpp"
#include "server/client.hpp"
#include "support/backend_under_test.hpp"

namespace iocpp::tests {
namespace {

/// Counts, on the shard's thread, from its 101st call to its last one: in callbacks and between them.
struct CountingEcho : Handler {
  void on_receive(Connection connection, std::span<const std::byte> bytes) override {
    if (++calls == 101) before = core::allocations();
    connection.send(bytes);
    if (calls > 101) allocated = core::allocations() - before;
  }
  std::uint64_t calls = 0;
  std::uint64_t before = 0;
  std::atomic<std::uint64_t> allocated{0};
};

class Operations : public ::testing::TestWithParam<std::size_t> {};

/// A slab is allocated when more is queued than ever before, which a short write may cause at any time.
constexpr std::uint64_t slabs = 4;

TEST_P(Operations, do_not_allocate_each) {
  CountingEcho echo;
  Server server({.port = 0, .host = "127.0.0.1", .backend = backend_under_test()}, echo);
  server.start();
  Client client{server.port()};
  const std::string text = pattern(GetParam());
  for (int message = 0; message < 1'000; ++message) ASSERT_EQ(client.echo(text), text);
  server.request_drain(std::chrono::milliseconds{0});
  static_cast<void>(server.wait());
  EXPECT_GE(echo.calls, 1'000U);
  EXPECT_LE(echo.allocated, slabs);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Operations, ::testing::Values(64U, 20'000U));

}  // namespace
}  // namespace iocpp::tests

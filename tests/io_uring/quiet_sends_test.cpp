// A quiet send whose submission the kernel puts off: it is not told as sent, and no wait sleeps before it is.
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backend/io_uring/port.hpp"
#include "backend/io_uring/sys.hpp"
#include "conformance/world.hpp"

namespace iocpp::tests {
namespace {

using core::Operation;
using core::SlotRef;
using std::chrono::nanoseconds;

constexpr int busy = 16;  // EBUSY, io_uring_enter(2)

/// Refuses to submit, so many times. It never sleeps.
class BusySys : public io_uring::Sys {
 public:
  int submit_and_wait(std::optional<nanoseconds> timeout) noexcept {
    timeouts.push_back(timeout);
    if (refusals == 0) return Sys::submit_and_wait(nanoseconds{0});
    --refusals;
    return -busy;
  }

  unsigned refusals = 0;
  std::vector<std::optional<nanoseconds>> timeouts;
};

class QuietSends : public ::testing::Test {
 protected:
  using World = RealWorld<io_uring::Port<BusySys>>;

  SlotRef connected() {
    peer.emplace(world.connect());
    int error = 0;
    const NativeHandle handle = world.port().accept_now(world.listener(), error);
    EXPECT_EQ(error, 0);
    return {1, 1, handle};
  }
  std::size_t sends_told() {
    std::size_t told = 0;
    for (const Event& event : world.events) told += event.completion.operation == Operation::send ? 1U : 0U;
    return told;
  }

  World world;
  std::optional<Peer> peer;
};

TEST_F(QuietSends, that_the_kernel_puts_off_are_not_told_and_keep_the_port_awake) {
  const SlotRef slot = connected();
  const std::string text = "put off";
  const core::Buffer bytes{reinterpret_cast<const std::byte*>(text.data()), text.size()};
  ASSERT_TRUE(world.port().send_quietly(slot, bytes));
  world.port().sys().refusals = 2;
  world.port().sys().timeouts.clear();
  for (int waits = 0; waits < 2; ++waits) {
    world.collect(std::chrono::hours{1});
    EXPECT_EQ(sends_told(), 0U);
  }
  world.collect(std::chrono::hours{1});
  EXPECT_EQ(sends_told(), 1U);
  const auto& timeouts = world.port().sys().timeouts;
  ASSERT_EQ(timeouts.size(), 3U);
  EXPECT_EQ(timeouts[1], nanoseconds{0}) << "it would have slept";
  EXPECT_EQ(timeouts[2], nanoseconds{0});
  EXPECT_EQ(peer->receive(text.size()), text);
  ASSERT_TRUE(world.port().close(slot, false));
  ASSERT_TRUE(world.until([&] { return world.events.back().completion.operation == Operation::close; }));
}

// More entries than a batch, in each turn: the end of a quiet send was awaited for as long as peers sent.
TEST_F(QuietSends, end_amid_more_entries_than_a_wait_takes) {
  const SlotRef slot = connected();
  const std::string text = "quiet";
  const core::Buffer bytes{reinterpret_cast<const std::byte*>(text.data()), text.size()};
  const auto more_than_a_batch = [&] {
    for (int count = 0; count < 700; ++count) ASSERT_TRUE(world.port().cancel_receive({2, 1, slot.handle}));
  };
  ASSERT_TRUE(world.port().send_quietly(slot, bytes));
  more_than_a_batch();
  world.collect(nanoseconds{0});
  EXPECT_EQ(sends_told(), 0U);
  more_than_a_batch();
  world.collect(nanoseconds{0});
  EXPECT_EQ(sends_told(), 1U);
  EXPECT_EQ(peer->receive(text.size()), text);
  ASSERT_TRUE(world.port().close(slot, false));
  ASSERT_TRUE(world.until([&] { return world.events.back().completion.operation == Operation::close; }));
}

// The ring had more entries than a batch, so nothing was submitted before it was empty: never, while peers sent.
TEST_F(QuietSends, that_were_put_off_are_submitted_though_the_ring_has_entries) {
  const SlotRef slot = connected();
  const std::string text = "quiet";
  const core::Buffer bytes{reinterpret_cast<const std::byte*>(text.data()), text.size()};
  for (int count = 0; count < 1500; ++count) ASSERT_TRUE(world.port().cancel_receive({2, 1, slot.handle}));
  world.collect(nanoseconds{0});
  ASSERT_TRUE(world.port().send_quietly(slot, bytes));
  world.port().sys().refusals = 1;
  world.port().sys().timeouts.clear();
  world.collect(nanoseconds{0});
  ASSERT_NE(world.port().sys().entries(), 0U);
  world.collect(nanoseconds{0});
  EXPECT_EQ(world.port().sys().timeouts.size(), 2U);
  EXPECT_EQ(peer->receive(text.size()), text);
  ASSERT_TRUE(world.until([&] { return sends_told() == 1; }));
  ASSERT_TRUE(world.port().close(slot, false));
  ASSERT_TRUE(world.until([&] { return world.events.back().completion.operation == Operation::close; }));
}

// Those that wait have no room for more: it goes out all the same, and its end is told by an entry of its own.
TEST_F(QuietSends, that_wait_let_others_be_sent) {
  const SlotRef first = connected();
  Peer first_peer = *std::exchange(peer, std::nullopt);
  SlotRef second = connected();
  second.index = 2;
  const std::string text = "quiet";
  const core::Buffer bytes{reinterpret_cast<const std::byte*>(text.data()), text.size()};
  ASSERT_TRUE(world.port().send_quietly(first, bytes));
  world.port().sys().refusals = 1;
  world.collect(nanoseconds{0});
  EXPECT_EQ(sends_told(), 0U);
  ASSERT_TRUE(world.port().send_quietly(second, bytes));
  ASSERT_TRUE(world.until([&] { return sends_told() == 2; }));
  EXPECT_EQ(first_peer.receive(text.size()), text);
  EXPECT_EQ(peer->receive(text.size()), text);
  for (const SlotRef slot : {first, second}) ASSERT_TRUE(world.port().close(slot, false));
  ASSERT_TRUE(world.until([&] { return world.events.back().completion.operation == Operation::close; }));
}

}  // namespace
}  // namespace iocpp::tests

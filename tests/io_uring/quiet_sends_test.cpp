// A quiet send whose submission the kernel puts off: it is not told as sent, and no wait sleeps before it is.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <initializer_list>
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

  /// Entries, without anything else that happens.
  void make_entries(SlotRef slot, int count) {
    for (; count != 0; --count) ASSERT_TRUE(world.port().cancel_receive({2, 1, slot.handle}));
  }
  void close(std::initializer_list<SlotRef> slots) {
    for (const SlotRef slot : slots) ASSERT_TRUE(world.port().close(slot, false));
    ASSERT_TRUE(world.until([&] { return world.events.back().completion.operation == Operation::close; }));
  }

  const std::string text = "quiet";
  const core::Buffer bytes{reinterpret_cast<const std::byte*>(text.data()), text.size()};
  World world;
  std::optional<Peer> peer;
};

TEST_F(QuietSends, that_the_kernel_puts_off_are_not_told_and_keep_the_port_awake) {
  const SlotRef slot = connected();
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
  close({slot});
}

// More entries than a batch, in each turn: the end of a quiet send was awaited for as long as peers sent.
TEST_F(QuietSends, end_amid_more_entries_than_a_wait_takes) {
  const SlotRef slot = connected();
  ASSERT_TRUE(world.port().send_quietly(slot, bytes));
  make_entries(slot, 700);
  world.collect(nanoseconds{0});
  EXPECT_EQ(sends_told(), 0U);
  make_entries(slot, 700);
  world.collect(nanoseconds{0});
  EXPECT_EQ(sends_told(), 1U);
  EXPECT_EQ(peer->receive(text.size()), text);
  close({slot});
}

// Found by seed 600000001422, io_uring, light faults: the ring had more entries than a batch, so nothing was submitted
// before it was empty.
TEST_F(QuietSends, that_were_put_off_are_submitted_though_the_ring_has_entries) {
  const SlotRef slot = connected();
  make_entries(slot, 1500);
  world.collect(nanoseconds{0});
  ASSERT_TRUE(world.port().send_quietly(slot, bytes));
  world.port().sys().refusals = 1;
  world.port().sys().timeouts.clear();
  world.collect(nanoseconds{0});
  ASSERT_TRUE(world.port().sys().has_entries());
  world.collect(nanoseconds{0});
  EXPECT_EQ(world.port().sys().timeouts.size(), 2U);
  EXPECT_EQ(peer->receive(text.size()), text);
  ASSERT_TRUE(world.until([&] { return sends_told() == 1; }));
  close({slot});
}

// A call that submits nothing ends before it looks for what has ended; and where memory is short, requests that end are
// what the next ones are made of. On kernels that tell what has ended by themselves it holds anyway.
TEST_F(QuietSends, what_has_ended_is_told_while_nothing_can_be_submitted) {
  const SlotRef slot = connected();
  ASSERT_TRUE(world.port().receive(slot));
  world.collect(nanoseconds{0});
  world.port().sys().refusals = 100'000;
  ASSERT_TRUE(world.port().cancel_receive({2, 1, slot.handle}));  // is not submitted
  peer->send("here");
  const auto received = [&] {
    return std::ranges::any_of(world.events,
                               [](const Event& event) { return event.completion.operation == Operation::receive; });
  };
  EXPECT_TRUE(world.until(received));
  EXPECT_GT(world.port().sys().refusals, 0U);
  world.port().sys().refusals = 0;
  ASSERT_TRUE(world.port().cancel_receive(slot));
  ASSERT_TRUE(world.until([&] {
    return std::ranges::any_of(world.events, [](const Event& event) {
      return event.completion.operation == Operation::receive && !event.completion.more;
    });
  }));
  close({slot});
}

// Peers that send so much that the ring overflows all the time: what is behind the quiet sends does not put off their
// end.
TEST_F(QuietSends, end_though_the_ring_overflows_for_as_long_as_they_are_awaited) {
  const SlotRef slot = connected();
  make_entries(slot, 12'000);
  ASSERT_TRUE(world.port().send_quietly(slot, bytes));
  for (int turn = 0; turn < 100 && sends_told() == 0; ++turn) {
    world.collect(nanoseconds{0});
    make_entries(slot, 512);
  }
  EXPECT_EQ(sends_told(), 1U);
  EXPECT_EQ(peer->receive(text.size()), text);
  close({slot});
}

// Those that wait have no room for more: it goes out all the same, and its end is told by an entry of its own.
TEST_F(QuietSends, that_wait_let_others_be_sent) {
  const SlotRef first = connected();
  Peer first_peer = *std::exchange(peer, std::nullopt);
  SlotRef second = connected();
  second.index = 2;
  ASSERT_TRUE(world.port().send_quietly(first, bytes));
  world.port().sys().refusals = 1;
  world.collect(nanoseconds{0});
  EXPECT_EQ(sends_told(), 0U);
  ASSERT_TRUE(world.port().send_quietly(second, bytes));
  ASSERT_TRUE(world.until([&] { return sends_told() == 2; }));
  EXPECT_EQ(first_peer.receive(text.size()), text);
  EXPECT_EQ(peer->receive(text.size()), text);
  close({first, second});
}

}  // namespace
}  // namespace iocpp::tests

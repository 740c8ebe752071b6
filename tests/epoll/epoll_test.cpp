// What readiness can do to a port that makes completions of it: stale events, hang-ups that nobody asked for, bytes
// behind an edge that is not told again, and one connection before the others.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <thread>

#include "backend/epoll/port.hpp"
#include "backend/epoll/sys.hpp"
#include "conformance/world.hpp"

namespace iocpp::tests {
namespace {

using core::Completion;
using core::Operation;
using core::SlotRef;

/// Counts waits and receives; may be an old kernel.
class CountingSys : public epoll::Sys {
 public:
  int wait(std::optional<std::chrono::nanoseconds> timeout) noexcept {
    ++fine_waits;
    return refuses_fine_waits != 0 ? -refuses_fine_waits : Sys::wait(timeout);
  }
  int wait_coarsely(int milliseconds) noexcept {
    ++coarse_waits;
    last_milliseconds = milliseconds;
    return Sys::wait_coarsely(milliseconds);
  }
  int receive(int socket, std::byte* bytes, std::size_t size) noexcept {
    ++receives;
    if (socket == endless_socket) return static_cast<int>(size);  // whatever lies there
    return Sys::receive(socket, bytes, size);
  }

  int refuses_fine_waits = 0;
  unsigned fine_waits = 0;
  unsigned coarse_waits = 0;
  unsigned receives = 0;
  int endless_socket = -1;
  int last_milliseconds = 0;
};

class EpollPort : public ::testing::Test {
 protected:
  using World = RealWorld<epoll::Port<CountingSys>>;

  World world;
  std::vector<Peer> peers;

  /// The server's side of a new connection.
  SlotRef connected(std::uint32_t index, std::uint32_t generation = 1) {
    peers.push_back(world.connect());
    return accepted(index, generation);
  }
  SlotRef accepted(std::uint32_t index, std::uint32_t generation) {
    int error = 0;
    const NativeHandle handle = world.port().accept_now(world.listener(), error);
    EXPECT_NE(handle, no_handle) << error;
    return {index, generation, handle};
  }
  std::string received(std::uint32_t target) {
    std::string bytes;
    for (const Event& event : world.events) {
      if (event.completion.operation == Operation::receive && event.completion.target == target) bytes += event.bytes;
    }
    return bytes;
  }
  std::size_t ended(Operation operation, std::uint32_t target) {
    std::size_t count = 0;
    for (const Event& event : world.events) {
      const Completion& told = event.completion;
      count += told.operation == operation && told.target == target && !told.more ? 1U : 0U;
    }
    return count;
  }
  void end_receive(SlotRef slot) {
    const std::size_t before = ended(Operation::receive, slot.index);
    ASSERT_TRUE(world.port().cancel_receive(slot));
    ASSERT_TRUE(world.until([&] { return ended(Operation::receive, slot.index) == before + 1; }));
  }
  void close(SlotRef slot) {
    const std::size_t before = ended(Operation::close, slot.index);
    ASSERT_TRUE(world.port().close(slot, false));
    ASSERT_TRUE(world.until([&] { return ended(Operation::close, slot.index) == before + 1; }));
  }
  CountingSys& sys() { return world.port().sys(); }
};

TEST_F(EpollPort, absorbs_events_of_a_closed_connection_whose_slot_is_anothers) {
  // mio, CVE-2024-27308; libuv#968: an event of the old connection reaches the new one. A copy of the descriptor, as a
  // child process has it, keeps the old registration alive.
  const SlotRef old = connected(5, 1);
  ASSERT_TRUE(world.port().receive(old));
  world.collect(std::chrono::nanoseconds{0});
  const Descriptor copy{::dup(static_cast<int>(old.handle))};
  end_receive(old);
  peers.push_back(world.connect());  // before the close, so that its own socket does not take the number
  close(old);
  const SlotRef anew = accepted(5, 2);
  EXPECT_EQ(anew.handle, old.handle) << "the number is used again";
  ASSERT_TRUE(world.port().receive(anew));
  world.events.clear();
  const std::uint64_t before = world.counters().stale_completions.get();
  peers[0].send("for the old one");
  ASSERT_TRUE(world.until([&] { return world.counters().stale_completions.get() > before; }));
  peers[0].reset();
  peers[1].send("for the new one");
  ASSERT_TRUE(world.until([&] { return received(5) == "for the new one"; }));
  EXPECT_EQ(ended(Operation::receive, 5), 0U);
  end_receive(anew);
  close(anew);
}

TEST_F(EpollPort, waits_in_peace_while_a_hung_up_connection_is_paused) {
  // bun#37920, mio#933: a hang-up that can't be masked is told again and again; 100 % CPU.
  const SlotRef paused = connected(1);
  const SlotRef half_open = connected(2);
  ASSERT_TRUE(world.port().receive(paused) && world.port().receive(half_open));
  world.collect(std::chrono::nanoseconds{0});
  end_receive(paused);
  world.port().end_stream(half_open);
  peers[0].send("unread");
  peers[0].end_stream();
  peers[1].end_stream();
  ASSERT_TRUE(world.until([&] { return ended(Operation::receive, 2) == 1; }));
  for (int settled = 0; world.collect(std::chrono::milliseconds{20}) == 0 && settled < 3; ++settled) {
  }
  // A wait that has nothing to tell lasts as long as it may: two of them, not two million.
  const unsigned waits = sys().fine_waits;
  const TimePoint until = world.port().now() + std::chrono::milliseconds{100};
  while (world.port().now() < until) EXPECT_EQ(world.collect(until - world.port().now()), 0U);
  EXPECT_LE(sys().fine_waits - waits, 3U);

  // What was kept back is still there, bytes first.
  ASSERT_TRUE(world.port().receive(paused));
  ASSERT_TRUE(world.until([&] { return ended(Operation::receive, 1) == 2; }));
  EXPECT_EQ(received(1), "unread");
  close(paused);
  close(half_open);
}

TEST_F(EpollPort, drains_the_stream_before_it_tells_a_hang_up) {
  // netty#4317: the hang-up was acted on first, and the last bytes were lost.
  const SlotRef slot = connected(3);
  const std::string much(1U << 20, 'l');
  std::thread sender{[&] {
    peers[0].send(much);
    peers[0].close();
  }};
  ASSERT_TRUE(world.port().receive(slot));
  ASSERT_TRUE(world.until([&] { return ended(Operation::receive, 3) == 1; }));
  sender.join();
  EXPECT_EQ(received(3).size(), much.size());
  EXPECT_EQ(world.events.back().completion.error, 0);
  close(slot);
}

TEST_F(EpollPort, receives_what_comes_after_an_urgent_byte) {
  // A receive stops before an urgent byte, short of its room, and there is no further edge for what lies behind it.
  const SlotRef slot = connected(3);
  peers[0].send("before");
  ASSERT_EQ(::send(peers[0].descriptor(), "!", 1, MSG_OOB), 1);
  peers[0].send("after");
  ASSERT_TRUE(world.port().receive(slot));
  ASSERT_TRUE(world.until([&] { return received(3) == "beforeafter"; })) << received(3);
  end_receive(slot);
  close(slot);
}

TEST_F(EpollPort, gives_each_connection_its_turn) {
  // One that always has more must not keep the others waiting (an inline loop without bound starved them for seconds).
  const SlotRef greedy = connected(1);
  const SlotRef modest = connected(2);
  sys().endless_socket = static_cast<int>(greedy.handle);
  peers[0].send("more than can be read");
  ASSERT_TRUE(world.port().receive(greedy));
  ASSERT_TRUE(world.until([&] { return !received(1).empty(); }));
  ASSERT_TRUE(world.port().receive(modest));
  peers[1].send("me too");
  while (received(2) != "me too") {
    const std::size_t before = received(1).size();
    ASSERT_GT(world.collect(std::nullopt), 0U);
    ASSERT_LE(received(1).size() - before, 256U << 10);
    ASSERT_LT(received(1).size(), 64U << 20);
  }
  end_receive(greedy);
  end_receive(modest);
  close(greedy);
  close(modest);
}

TEST_F(EpollPort, sends_at_once_without_a_wait_in_the_kernel_but_never_twice_in_a_row) {
  const SlotRef slot = connected(4);
  const std::array<core::Buffer, 1> bytes{{{reinterpret_cast<const std::byte*>("x"), 1}}};
  ASSERT_TRUE(world.port().send(slot, bytes));
  world.collect(std::nullopt);
  EXPECT_EQ(ended(Operation::send, 4), 1U);
  const unsigned waits = sys().fine_waits;
  for (unsigned sends = 1; sends <= 100; ++sends) {
    ASSERT_TRUE(world.port().send(slot, bytes));
    EXPECT_EQ(world.collect(std::nullopt), 1U) << "it must not sleep";
  }
  EXPECT_EQ(sys().fine_waits - waits, 50U) << "others are heard all the same";
  close(slot);
}

TEST_F(EpollPort, an_idle_connection_is_not_asked_and_a_short_receive_is_the_last) {
  const SlotRef slot = connected(4);
  ASSERT_TRUE(world.port().receive(slot));
  world.collect(std::nullopt);  // that it is writable
  EXPECT_EQ(sys().receives, 0U);
  peers[0].send("one");
  ASSERT_TRUE(world.until([&] { return received(4) == "one"; }));
  EXPECT_EQ(sys().receives, 1U);
  end_receive(slot);
  close(slot);
}

TEST_F(EpollPort, on_a_kernel_or_filter_that_does_not_know_the_fine_wait_waits_coarsely_and_rounds_up) {
  for (const int refusal : {linux_errno::nosys, linux_errno::perm}) {
    World old;
    CountingSys& kernel = old.port().sys();
    kernel.refuses_fine_waits = refusal;
    const TimePoint before = old.port().now();
    EXPECT_EQ(old.collect(std::chrono::nanoseconds{1'000'001}), 0U);
    EXPECT_GE(old.port().now() - before, std::chrono::nanoseconds{1'000'001});
    EXPECT_EQ(kernel.last_milliseconds, 2);
    old.collect(std::chrono::nanoseconds{0});
    EXPECT_EQ(kernel.last_milliseconds, 0);
    old.port().wake();
    old.collect(std::nullopt);
    EXPECT_EQ(kernel.last_milliseconds, -1);
    EXPECT_EQ(kernel.fine_waits, 1U);
    EXPECT_EQ(old.port().wait_error(), 0);
  }
}

}  // namespace
}  // namespace iocpp::tests

// The ports over simulated kernels.
#include <gtest/gtest.h>

#include <string>
#include <type_traits>

#include "conformance/simulated_world.hpp"

namespace iocpp::tests {
namespace {

using Worlds =
    ::testing::Types<SimulatedIoUring<UsualHabits>, SimulatedIoUring<SlowHabits>, SimulatedIoUring<OldHabits>,
                     SimulatedEpoll<UsualHabits>, SimulatedEpoll<SlowHabits>, SimulatedIocp<UsualHabits>,
                     SimulatedIocp<SlowHabits>, PostedBuffers<SimulatedIocp<SlowHabits>>>;
struct WorldNames {
  template <class World>
  static std::string GetName(int) {
    if (std::is_same_v<World, SimulatedIoUring<UsualHabits>>) return "io_uring_simulated";
    if (std::is_same_v<World, SimulatedIoUring<SlowHabits>>) return "io_uring_simulated_slow";
    if (std::is_same_v<World, SimulatedIoUring<OldHabits>>) return "io_uring_simulated_old_kernel";
    if (std::is_same_v<World, SimulatedEpoll<UsualHabits>>) return "epoll_simulated";
    if (std::is_same_v<World, SimulatedEpoll<SlowHabits>>) return "epoll_simulated_slow";
    if (std::is_same_v<World, PostedBuffers<SimulatedIocp<SlowHabits>>>) return "iocp_simulated_posted_buffers";
    return std::is_same_v<World, SimulatedIocp<UsualHabits>> ? "iocp_simulated" : "iocp_simulated_slow";
  }
};

/// Found by seed 573202100966212, io_uring: a turn took only as many completions as the queue holds, so that an end
/// that had overflowed a small one waited for seconds, and the linger time reset its client.
TEST(SmallRing, gives_what_had_overflowed_with_the_same_wait) {
  SimulatedIoUring<SlowHabits> world;
  world.collect(std::chrono::nanoseconds{0});
  const std::uint64_t before = world.port().in_flight();
  for (int count = 0; count < 20; ++count) ASSERT_TRUE(world.port().cancel_receive({2, 1, world.listener().handle}));
  ASSERT_EQ(world.port().in_flight(), before + 20);
  world.collect(std::chrono::nanoseconds{0});
  EXPECT_EQ(world.port().in_flight(), before);
}

}  // namespace
}  // namespace iocpp::tests

#include "conformance/suite.hpp"

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

}  // namespace
}  // namespace iocpp::tests

#include "conformance/suite.hpp"

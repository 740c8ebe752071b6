// The real kernel's ports.
#include <gtest/gtest.h>

#include <string>
#include <type_traits>

#include "conformance/world.hpp"
#ifdef _WIN32
#include "conformance/iocp_worlds.hpp"
#endif

namespace iocpp::tests {
namespace {

#ifdef _WIN32
using Worlds = ::testing::Types<RealIocp, PostedBuffers<RealIocp>>;
struct WorldNames {
  template <class World>
  static std::string GetName(int) {
    return std::is_same_v<World, RealIocp> ? "iocp_real" : "iocp_real_posted_buffers";
  }
};
#else
using Worlds = ::testing::Types<RealIoUring, RealOldIoUring, RealEpoll>;
struct WorldNames {
  template <class World>
  static std::string GetName(int) {
    if (std::is_same_v<World, RealEpoll>) return "epoll_real";
    return std::is_same_v<World, RealIoUring> ? "io_uring_real" : "io_uring_real_old_kernel";
  }
};
#endif

}  // namespace
}  // namespace iocpp::tests

#include "conformance/suite.hpp"

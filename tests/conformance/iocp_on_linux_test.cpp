// The IOCP port over completion ports that are made of Linux sockets.
#include <gtest/gtest.h>

#include <string>
#include <type_traits>

#include "conformance/iocp_worlds.hpp"

namespace iocpp::tests {
namespace {

using Worlds = ::testing::Types<IocpLater, IocpAtOnce, IocpAtOnceWithoutPacket>;
struct WorldNames {
  template <class World>
  static std::string GetName(int) {
    if (std::is_same_v<World, IocpLater>) return "iocp_on_linux";
    return std::is_same_v<World, IocpAtOnce> ? "iocp_on_linux_at_once" : "iocp_on_linux_at_once_without_packet";
  }
};

}  // namespace
}  // namespace iocpp::tests

#include "conformance/suite.hpp"

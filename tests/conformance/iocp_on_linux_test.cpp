// The IOCP port over completion ports that are made of Linux sockets.
#include <gtest/gtest.h>

#include <string>
#include <type_traits>

#include "conformance/iocp_worlds.hpp"

namespace iocpp::tests {
namespace {

using Worlds = ::testing::Types<IocpLater, IocpAtOnce, IocpAtOnceWithoutPacket, PostedBuffers<IocpLater>,
                                PostedBuffers<IocpAtOnceWithoutPacket>>;
struct WorldNames {
  template <class World>
  static std::string GetName(int) {
    if (std::is_same_v<World, IocpLater>) return "iocp_on_linux";
    if (std::is_same_v<World, PostedBuffers<IocpLater>>) return "iocp_on_linux_posted_buffers";
    if (std::is_same_v<World, PostedBuffers<IocpAtOnceWithoutPacket>>) return "iocp_on_linux_at_once_posted_buffers";
    return std::is_same_v<World, IocpAtOnce> ? "iocp_on_linux_at_once" : "iocp_on_linux_at_once_without_packet";
  }
};

}  // namespace
}  // namespace iocpp::tests

#include "conformance/suite.hpp"

#include "simulator/shard.hpp"

namespace iocpp::simulator {

MakeShard shipped_shard(Platform platform) noexcept {
  switch (platform) {
    case Platform::io_uring:
      return make_io_uring_shard;
    case Platform::epoll:
      return make_epoll_shard;
    case Platform::iocp:
      return make_iocp_shard;
  }
  return nullptr;
}

}  // namespace iocpp::simulator

#include "simulator/shard.hpp"

#include "backend/epoll/port.hpp"
#include "backend/io_uring/port.hpp"
#include "backend/iocp/port.hpp"
#include "simulator/epoll_sys.hpp"
#include "simulator/io_uring_sys.hpp"
#include "simulator/iocp_sys.hpp"

namespace iocpp::simulator {

MakeShard shipped_shard(Platform platform) noexcept {
  switch (platform) {
    case Platform::io_uring:
      return make_shard_over<io_uring::Port, IoUringSys>;
    case Platform::epoll:
      return make_shard_over<epoll::Port, EpollSys>;
    case Platform::iocp:
      return make_shard_over<iocp::Port, IocpSys>;
  }
  return nullptr;
}

}  // namespace iocpp::simulator

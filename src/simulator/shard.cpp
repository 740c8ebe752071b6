#include "simulator/shard.hpp"

#include "backend/epoll/port.hpp"
#include "backend/io_uring/port.hpp"
#include "backend/iocp/port.hpp"
#include "simulator/epoll_sys.hpp"
#include "simulator/io_uring_sys.hpp"
#include "simulator/iocp_sys.hpp"

namespace iocpp::simulator {
namespace {

template <template <class> class Port, class Sys>
std::unique_ptr<Shard> make(engine::EngineConfig& config, engine::Group& group, Machine& machine, unsigned number) {
  config.core.platform = Port<Sys>::capabilities.platform;
  config.core.peer_name = &Port<Sys>::peer_name;
  return std::make_unique<ShardOver<Port, Sys>>(config, group, machine, number);
}

}  // namespace

std::unique_ptr<Shard> make_shard(Platform platform, engine::EngineConfig config, engine::Group& group,
                                  Machine& machine, unsigned number) {
  switch (platform) {
    case Platform::io_uring:
      return make<io_uring::Port, IoUringSys>(config, group, machine, number);
    case Platform::epoll:
      return make<epoll::Port, EpollSys>(config, group, machine, number);
    case Platform::iocp:
      return make<iocp::Port, IocpSys>(config, group, machine, number);
  }
  return nullptr;
}

}  // namespace iocpp::simulator

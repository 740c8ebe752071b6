#include "backend/epoll/port.hpp"
#include "simulator/epoll_sys.hpp"
#include "simulator/shard_over.hpp"

namespace iocpp::simulator {

std::unique_ptr<Shard> make_epoll_shard(engine::EngineConfig config, engine::Group& group, Machine& machine,
                                        unsigned number) {
  return make_shard_over<epoll::Port, EpollSys>(std::move(config), group, machine, number);
}

}  // namespace iocpp::simulator

#include "backend/iocp/port.hpp"
#include "simulator/iocp_sys.hpp"
#include "simulator/shard_over.hpp"

namespace iocpp::simulator {

std::unique_ptr<Shard> make_iocp_shard(engine::EngineConfig config, engine::Group& group, Machine& machine,
                                       unsigned number) {
  return make_shard_over<iocp::Port, IocpSys>(std::move(config), group, machine, number);
}

}  // namespace iocpp::simulator

#include "backend/io_uring/port.hpp"
#include "simulator/io_uring_sys.hpp"
#include "simulator/shard_over.hpp"

namespace iocpp::simulator {

std::unique_ptr<Shard> make_io_uring_shard(engine::EngineConfig config, engine::Group& group, Machine& machine,
                                           unsigned number) {
  return make_shard_over<io_uring::Port, IoUringSys>(std::move(config), group, machine, number);
}

}  // namespace iocpp::simulator

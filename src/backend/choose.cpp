#include "backend/choose.hpp"

#include "backend/io_uring/port.hpp"
#include "backend/io_uring/sys.hpp"
#include "engine/engine.hpp"

namespace iocpp {

std::string_view to_string(Backend backend) noexcept {
  switch (backend) {
    case Backend::automatic:
      return "automatic";
    case Backend::io_uring:
      return "io_uring";
  }
  return "";
}

namespace backend {

using IoUringPort = io_uring::Port<io_uring::Sys>;

Choice choose(Backend wanted) {
  if (wanted == Backend::io_uring) return {Backend::io_uring, "asked for"};
  return {Backend::io_uring, "the only one of this build"};
}

std::unique_ptr<engine::Loop> make_loop(Backend, const engine::EngineConfig& config, engine::Group& group) {
  return std::make_unique<engine::Engine<IoUringPort>>(config, group);
}

void set_platform(core::CoreConfig& config) noexcept {
  config.platform = IoUringPort::capabilities.platform;
  config.peer_name = IoUringPort::peer_name;
}

}  // namespace backend
}  // namespace iocpp

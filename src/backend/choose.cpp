#include "backend/choose.hpp"

#include <system_error>

#include "engine/engine.hpp"
#include "iocpp/error.hpp"
#ifdef _WIN32
#include "backend/iocp/port.hpp"
#include "backend/iocp/sys.hpp"
#else
#include "backend/io_uring/port.hpp"
#include "backend/io_uring/sys.hpp"
#endif

namespace iocpp {

std::string_view to_string(Backend backend) noexcept {
  switch (backend) {
    case Backend::automatic:
      return "automatic";
    case Backend::io_uring:
      return "io_uring";
    case Backend::iocp:
      return "iocp";
  }
  return "";
}

namespace backend {
namespace {

#ifdef _WIN32
constexpr Backend own = Backend::iocp;
using Port = iocp::Port<iocp::Sys>;
#else
constexpr Backend own = Backend::io_uring;
using Port = io_uring::Port<io_uring::Sys>;
#endif

}  // namespace

Choice choose(Backend wanted) {
  if (wanted == own) return {own, "asked for"};
  if (wanted == Backend::automatic) return {own, "the only one of this build"};
  throw std::system_error(make_error_code(errc::not_supported),
                          "Options::backend: " + std::string{to_string(wanted)} + " is not of this system");
}

bool shares_port(Backend) noexcept {
  return Port::capabilities.shares_port;
}

std::unique_ptr<engine::Loop> make_loop(Backend, const engine::EngineConfig& config, engine::Group& group) {
  return std::make_unique<engine::Engine<Port>>(config, group);
}

void set_platform(core::CoreConfig& config) noexcept {
  config.platform = Port::capabilities.platform;
  config.peer_name = Port::peer_name;
}

}  // namespace backend
}  // namespace iocpp

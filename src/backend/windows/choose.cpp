#include "backend/choose.hpp"

#include <system_error>

#include "backend/iocp/port.hpp"
#include "backend/iocp/sys.hpp"
#include "engine/engine.hpp"
#include "iocpp/error.hpp"

namespace iocpp::backend {

using IocpPort = iocp::Port<iocp::Sys>;

Choice choose(Backend wanted) {
  if (wanted == Backend::iocp) return {Backend::iocp, "asked for"};
  if (wanted == Backend::automatic) return {Backend::iocp, "the one of this system"};
  throw std::system_error(make_error_code(errc::not_supported),
                          "Options::backend: " + std::string{to_string(wanted)} + " is not of this system");
}

bool shares_port(Backend) noexcept {
  return IocpPort::capabilities.shares_port;
}

std::unique_ptr<engine::Loop> make_loop(Backend, const engine::EngineConfig& config, engine::Group& group) {
  return std::make_unique<engine::Engine<IocpPort>>(config, group);
}

void set_platform(core::CoreConfig& config) noexcept {
  config.platform = IocpPort::capabilities.platform;
  config.peer_name = IocpPort::peer_name;
}

}  // namespace iocpp::backend

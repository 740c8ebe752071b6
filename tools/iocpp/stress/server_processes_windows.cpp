#include "stress/server_processes.hpp"

namespace stress {

ServerProcesses::ServerProcesses(const SocketAddress& /*target*/) : why_{"it is not read on Windows"} {}

std::optional<ServerReading> ServerProcesses::read() const {
  return std::nullopt;
}

}  // namespace stress

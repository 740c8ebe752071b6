// What tests of users' simulations have in common.
#pragma once

#include <functional>
#include <string>

#include "iocpp/error.hpp"
#include "iocpp/simulator.hpp"

namespace iocpp {

struct Echo : Handler {
  void on_receive(Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

/// The violation of one peer's script, with the handler.
inline std::string violation_of(Handler& handler, const std::function<void(Simulation&)>& script,
                                const SimulationOptions& options = {}) {
  Simulation simulation{options};
  simulation.serve(handler);
  script(simulation);
  return simulation.run().violation;
}

}  // namespace iocpp

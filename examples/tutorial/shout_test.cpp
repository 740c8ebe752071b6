#include <iocpp/simulator.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "shout.hpp"

void test_shout(iocpp::Simulation& simulation) {
  simulation.serve([](unsigned /*shard*/) { return std::make_unique<Shout>(); });

  // So many bytes, other ones with each seed, which arrive in whatever parts.
  const std::size_t count = 1 + simulation.random(100'000);
  simulation.connect().send(std::string(count, 'x')).expect(std::string(count, 'X')).half_close().expect_end();

  // Who is connected when the server ends is told.
  simulation.connect().send("Hello\n").expect("HELLO\n").stay().expect("BYE\n").expect_end();

  // Who says nothing is gone after ten seconds.
  simulation.connect().wait(std::chrono::seconds{9}).expect_reset();
}

int main() {
  const iocpp::SimulationOptions options{.faults = iocpp::FaultRate::light, .server = shout_options()};
  const iocpp::SeedsResult result = iocpp::for_each_seed(1, 300, test_shout, options);
  if (!result.passed()) return 1;  // what failed was told already
  std::puts(result.text().c_str());
}

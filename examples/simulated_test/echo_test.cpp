#include <iocpp/simulator.hpp>

struct Echo : iocpp::Handler {
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

void test_echo(iocpp::Simulation& simulation) {
  simulation.serve([](unsigned /*shard*/) { return std::make_unique<Echo>(); });
  const std::string text(1 + simulation.random(100'000), 'x');  // other bytes with each seed
  simulation.connect().send(text).expect(text).half_close().expect_end();
  iocpp::SimulatedPeer& idle = simulation.connect();
  simulation.run_for(std::chrono::hours{1});
  idle.send("still there?").expect("still there?").reset();
}  // what is left of the scripts happens now, then a drain, after which nothing may be left

int main() {
  return iocpp::for_each_seed(1, 300, test_echo, {.faults = iocpp::FaultRate::light}).passed() ? 0 : 1;
}

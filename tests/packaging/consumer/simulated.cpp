// A test of somebody else's, of an installed iocpp: their handler over a simulated system, for a hundred seeds.
#include <cstdio>

#include <iocpp/iocpp.hpp>
#include <iocpp/simulator.hpp>

struct Echo : iocpp::Handler {
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

int main() {
  const auto test = [](iocpp::Simulation& simulation) {
    static Echo echo;
    simulation.serve(echo);
    simulation.connect().send("hello").expect("hello").half_close().expect_end();
  };
  const iocpp::SeedsResult result = iocpp::for_each_seed(1, 100, test, {.faults = iocpp::FaultRate::light});
  std::puts(result.text().c_str());
  return result.passed() ? 0 : 1;
}

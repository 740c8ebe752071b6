// A test of a handler over a simulated system: it passes when the right handler passes, and the wrong one is caught.
#include <iocpp/simulator.hpp>

#include <cstdio>
#include <memory>

#include "line_counter.hpp"

namespace {

/// Ten clients with some lines each, at once; each must get its own answers.
template <class Handler>
void count_lines(iocpp::Simulation& simulation) {
  simulation.serve([](unsigned) { return std::make_unique<Handler>(); });
  for (int client = 0; client < 10; ++client) {
    iocpp::SimulatedPeer& peer = simulation.connect();
    for (int line = 0; line < 5; ++line) {
      const std::string text(simulation.random(100), 'x');
      peer.send(text + "\n").expect(std::to_string(text.size()) + "\n");
    }
    peer.half_close().expect_end();
  }
}

}  // namespace

int main() {
  const iocpp::SimulationOptions options{.faults = iocpp::FaultRate::light};
  const iocpp::SeedsResult right = iocpp::for_each_seed(1, 1'000, count_lines<LineCounter>, options);
  std::printf("LineCounter: %s\n", right.text().c_str());
  const iocpp::SeedsResult wrong = iocpp::for_each_seed(1, 1'000, count_lines<ForgetfulLineCounter>, options);
  std::printf("ForgetfulLineCounter: %s\n", wrong.passed() ? "not caught" : "caught");
  return right.passed() && !wrong.passed() ? 0 : 1;
}

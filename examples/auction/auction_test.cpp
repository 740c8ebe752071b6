// The auction over simulated systems: its clock and its way to other shards are the simulation's.
#include <iocpp/simulator.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "auction.hpp"

namespace {

using namespace std::chrono_literals;
using iocpp::FaultRate;
using iocpp::Simulation;

/// It lives as long as somebody needs it: handlers, tasks, checks.
std::shared_ptr<auction::Auction> serve(Simulation& simulation) {
  const auto state = std::make_shared<auction::Auction>();
  state->post = [&](unsigned shard, std::function<void()> task) { return simulation.post(shard, std::move(task)); };
  state->now = [&] { return simulation.now(); };
  simulation.serve([state](unsigned shard) { return std::make_unique<auction::Table>(*state, shard); });
  state->shards = simulation.shards();
  return state;
}

/// Each waits for the other, so no fault may end one of them.
void outbids(Simulation& simulation) {
  serve(simulation);
  simulation.connect()
      .expect("BEST 0\n")
      .send("BID 10\n")
      .expect("OK\n")
      .expect("BEST 20\n")
      .send("BID 15\n")
      .expect("LOW 20\n");
  simulation.connect(1s)
      .expect("BEST 10\n")
      .send("BID 20\n")
      .expect("OK\n")
      .wait(1s)
      .stay()
      .expect("WON 20\n")
      .expect_end();
}

void paces(Simulation& simulation) {
  serve(simulation);
  simulation.connect()
      .expect("BEST 0\n")
      .send("BID 1\nBID 2\nBID 3\nBID 4\nBID 5\nBID 6\n")
      .expect("OK\nOK\nOK\nOK\nOK\nSLOWLY\n")
      .wait(1s)
      .send("BID 6\nBID\nBID 7x\n")
      .expect("OK\nSAY BID AMOUNT\nSAY BID AMOUNT\n")
      .send(std::string(65, '9'))
      .expect("TOO LONG\n")
      .expect_end();
}

/// Many bid, on several shards, and faults end some of them: whoever is there at the end knows the price.
void ends(Simulation& simulation) {
  const auto state = serve(simulation);
  for (int bidder = 0; bidder < 8; ++bidder) {
    const std::string amount = std::to_string(1 + simulation.random(1'000));
    simulation.connect(std::chrono::milliseconds{simulation.random(50)}).send("BID " + amount + "\n").wait(1s).reset();
  }
  iocpp::SimulatedPeer& watcher = simulation.connect().stay();
  simulation.check("who is there knows the price", [&watcher, state] {
    // Whom a fault has kept from being served has heard nothing.
    const bool there = watcher.end() == iocpp::PeerEnd::in_order && !watcher.received().empty();
    return !there || watcher.received().ends_with("SOLD " + std::to_string(state->standing().best) + "\n");
  });
}

/// A line that has begun is finished and answered, though the server ends. (A bid could still be in time: until a shard
/// begins to drain.)
void finishes(Simulation& simulation) {
  serve(simulation);
  simulation.connect().expect("BEST 0\n").stay().expect("SOLD 0\n").expect_end();
  simulation.connect()
      .expect("BEST 0\n")
      .send("BI")
      .wait(1s)
      .stay()
      .send("D\n")
      .expect("SAY BID AMOUNT\nSOLD 0\n")
      .expect_end();
}

bool passes(const char* name, void (*test)(Simulation&), FaultRate faults) {
  iocpp::SimulationOptions options{.faults = faults, .server = auction::auction_options(), .name = name};
  const iocpp::SeedsResult result = iocpp::for_each_seed(1, 200, test, options);
  if (result.passed()) std::printf("%s: %s\n", name, result.text().c_str());
  return result.passed();  // what failed was told already
}

}  // namespace

int main() {
  const bool passed = passes("outbids", outbids, FaultRate::none) && passes("paces", paces, FaultRate::none) &&
                      passes("ends", ends, FaultRate::light) && passes("finishes", finishes, FaultRate::light);
  return passed ? 0 : 1;
}

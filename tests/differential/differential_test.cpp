// One script, every system: the simulated io_uring, epoll and IOCP, and the real ones that this machine has. What a
// user's handler and its peers see must be the same, in the normal form of script.hpp.
#include <gtest/gtest.h>

#include <deque>

#include "backend/epoll/port.hpp"
#include "backend/io_uring/port.hpp"
#include "backend/iocp/port.hpp"
#include "differential/witness.hpp"
#include "iocpp/server.hpp"
#include "iocpp/simulator.hpp"
#include "server/client.hpp"
#include "simulator/epoll_sys.hpp"
#include "simulator/io_uring_sys.hpp"
#include "simulator/iocp_sys.hpp"

namespace iocpp::tests {
namespace {

using Kind = Act::Kind;

/// A port's, whatever it runs over.
engine::Capabilities capabilities_of(Backend backend) {
  if (backend == Backend::io_uring) return io_uring::Port<simulator::IoUringSys>::capabilities;
  if (backend == Backend::epoll) return epoll::Port<simulator::EpollSys>::capabilities;
  return iocp::Port<simulator::IocpSys>::capabilities;
}

/// To what all systems promise.
Seen normal(Seen seen, const PeerScript& peer, Backend backend) {
  const bool reset = peer.acts.back().kind == Kind::reset;
  const bool in_order = seen.reason == DisconnectReason::peer_closed || seen.reason == DisconnectReason::local_close;
  if (reset || !in_order) seen.sent = std::max(seen.sent, peer.expected.sent);
  const bool looks_like_an_end = !capabilities_of(backend).sees_reset_before_receive || !resets_are_told();
  if (!reset || !looks_like_an_end || seen.reason != DisconnectReason::peer_closed) return seen;
  seen.reason = DisconnectReason::peer_reset;
  if (const std::size_t at = seen.callbacks.find(" shutdown"); at != std::string::npos) seen.callbacks.erase(at, 9);
  return seen;
}

void expect_as_written(const std::vector<PeerScript>& peers, const std::vector<Seen>& seen, Backend backend) {
  ASSERT_EQ(seen.size(), peers.size());
  for (std::size_t at = 0; at < peers.size(); ++at)
    EXPECT_EQ(normal(seen[at], peers[at], backend), peers[at].expected) << "peer: " << peers[at].name;
}

void write_script(SimulatedPeer& simulated, const PeerScript& peer) {
  for (const Act& act : peer.acts) {
    switch (act.kind) {
      case Kind::send:
        simulated.send(act.bytes);
        break;
      case Kind::expect:
        simulated.expect(act.bytes);
        break;
      case Kind::half_close:
        simulated.half_close();
        break;
      case Kind::expect_end:
        simulated.expect_end();
        break;
      case Kind::expect_reset:
        simulated.expect_reset();
        break;
      case Kind::close:
        simulated.close();
        break;
      case Kind::reset:
        simulated.reset();
        break;
      case Kind::stay:
        simulated.stay();
        break;
    }
  }
}

class Simulated : public ::testing::TestWithParam<Backend> {};

INSTANTIATE_TEST_SUITE_P(Differential, Simulated, ::testing::Values(Backend::io_uring, Backend::epoll, Backend::iocp),
                         [](const auto& tested) { return std::string{to_string(tested.param)}; });

TEST_P(Simulated, system_shows_what_the_script_says) {
  const std::vector<PeerScript> peers = script();
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Witness witness;
    Simulation simulation{{.seed = seed, .server = {.backend = GetParam()}, .exceptions_fail = false}};
    simulation.serve(witness);
    std::vector<SimulatedPeer*> simulated;
    for (const PeerScript& peer : peers) {
      simulated.push_back(&simulation.connect());
      write_script(*simulated.back(), peer);
      // The next one connects when this one is connected.
      simulation.run_for(std::chrono::seconds{1});
    }
    const SimulationResult& result = simulation.run();
    ASSERT_TRUE(result.passed()) << result.text();
    std::vector<Seen> seen = witness.seen();
    ASSERT_EQ(seen.size(), peers.size());
    for (std::size_t at = 0; at < peers.size(); ++at) {
      seen[at].peer_received = simulated[at]->received();
      seen[at].peer_end = to_string(simulated[at]->end());
    }
    expect_as_written(peers, seen, GetParam());
    EXPECT_EQ(witness.closes(), 1U);
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

/// A peer of the script on a real socket.
class RealPeer {
 public:
  RealPeer(const PeerScript& script, std::uint16_t port) : script_{script}, client_{port} {}

  bool done() const noexcept { return at_ == script_.acts.size(); }
  bool stays() const noexcept { return !done() && script_.acts[at_].kind == Kind::stay; }
  const std::string& received() const noexcept { return received_; }
  const std::string& end() const noexcept { return end_; }

  void act() {
    const Act& act = script_.acts[at_++];
    switch (act.kind) {
      case Kind::send:
        client_.send(act.bytes);
        client_.wait_until_delivered();
        break;
      case Kind::expect:
        received_ += client_.receive(act.bytes.size());
        break;
      case Kind::half_close:
        client_.end_stream();
        if (done()) expect(Ending::in_order);
        break;
      case Kind::expect_end:
        expect(Ending::in_order);
        break;
      case Kind::expect_reset:
        expect(Ending::reset);
        break;
      case Kind::close:
        client_.close();
        left();
        break;
      case Kind::reset:
        client_.reset();
        left();
        break;
      case Kind::stay:
        break;
    }
  }

 private:
  void expect(Ending wanted) {
    const Ending ending = client_.end(&received_);
    const bool reset = wanted == Ending::reset ? is_reset(ending) : ending == Ending::reset;
    end_ = ending == Ending::silent ? "silent" : reset ? "reset" : "in_order";
  }
  void left() {
    if (end_.empty()) end_ = "left";
  }

  const PeerScript& script_;
  Client client_;
  std::size_t at_ = 0;
  std::string received_;
  std::string end_;
};

/// Each peer does its next act, and again, until all are done or wait for the drain.
void play(std::deque<RealPeer>& peers) {
  for (bool acted = true; acted;) {
    acted = false;
    for (RealPeer& peer : peers) {
      if (peer.done() || peer.stays()) continue;
      peer.act();
      acted = true;
    }
  }
}

class Real : public ::testing::TestWithParam<Backend> {};

#ifdef _WIN32
constexpr Backend here[]{Backend::iocp};
#else
constexpr Backend here[]{Backend::io_uring, Backend::epoll};
#endif
INSTANTIATE_TEST_SUITE_P(Differential, Real, ::testing::ValuesIn(here),
                         [](const auto& tested) { return std::string{to_string(tested.param)}; });

std::vector<Seen> play_on(Server& server, const Witness& witness, const std::vector<PeerScript>& scripts) {
  std::deque<RealPeer> peers;
  for (const PeerScript& peer : scripts) peers.emplace_back(peer, server.port()).act();  // it is greeted
  play(peers);
  server.request_drain(std::chrono::seconds{10});
  for (RealPeer& peer : peers) {
    if (peer.stays()) peer.act();
  }
  play(peers);
  server.wait();
  std::vector<Seen> seen = witness.seen();
  for (std::size_t at = 0; at < std::min(seen.size(), peers.size()); ++at) {
    seen[at].peer_received = peers[at].received();
    seen[at].peer_end = peers[at].end();
  }
  return seen;
}

TEST_P(Real, system_shows_what_the_script_says) {
  const std::vector<PeerScript> scripts = script();
  Witness witness;
  std::unique_ptr<Server> server;
  try {
    server = std::make_unique<Server>(Options{.host = "127.0.0.1", .backend = GetParam()}, witness);
    server->start();
  } catch (const std::system_error& error) {
    GTEST_SKIP() << error.what();
  }
  expect_as_written(scripts, play_on(*server, witness, scripts), GetParam());
  EXPECT_EQ(witness.closes(), 1U);
}

}  // namespace
}  // namespace iocpp::tests

#include "simulator/peers.hpp"

#include <algorithm>
#include <array>

namespace iocpp::simulator {
namespace {

using std::chrono::milliseconds;

/// Of 64.
struct Share {
  Behaviour behaviour;
  unsigned share;
};
constexpr std::array shares{Share{Behaviour::echo, 26},        Share{Behaviour::early_end, 8},
                            Share{Behaviour::reset_first, 10}, Share{Behaviour::reset_later, 6},
                            Share{Behaviour::close_first, 4},  Share{Behaviour::close_later, 4},
                            Share{Behaviour::slow, 2},         Share{Behaviour::deaf, 1},
                            Share{Behaviour::silent, 2},       Share{Behaviour::vanish, 1}};

constexpr std::uint32_t probes_at_once = 2;  // fewer than any limit that a run may have
constexpr std::chrono::nanoseconds refused_pause_max = milliseconds{20};
constexpr std::chrono::nanoseconds deaf_stays_max = milliseconds{12'000};  // longer than close() waits
constexpr std::chrono::minutes outstays_max{2};

}  // namespace

Peers::Peers(Machine& machine, const PeerHabits& habits)
    : machine_{machine}, habits_{habits}, peers_(habits.at_once), buffer_(64U << 10), left_{habits.connections} {
  machine.network.set_client(*this);
}

void Peers::start() {
  for (std::uint32_t index = 0; index < peers_.size(); ++index)
    wake(index, delay(machine_.streams.peers, habits_.pause_max));
}

void Peers::wake(std::uint32_t index, std::chrono::nanoseconds after) {
  Peer& peer = peers_[index];
  if (peer.due) return;
  peer.due = true;
  machine_.schedule.after(after, EventKind::peer, index, peer.generation);
}

void Peers::link_changed(std::uint32_t index) {
  Peer& peer = peers_[index];
  const bool rarely = peer.behaviour == Behaviour::slow && !hurry_;
  wake(index, rarely ? delay(machine_.streams.peers, habits_.slow_pause_max)
                     : delay(machine_.streams.peers, std::chrono::microseconds{5}));
}

void Peers::probe(std::uint32_t count) {
  probing_ = true;
  left_ += count;
  for (std::uint32_t index = 0; index < probes_at_once; ++index) wake(index, {});
}

void Peers::stay(std::uint32_t count) {
  staying_ = count;
  left_ += count;
  start();
}

void Peers::arrive(std::uint32_t count) {
  probing_ = false;
  left_ += count;
  start();
}

void Peers::leave() {
  hurry_ = true;
  for (std::uint32_t index = 0; index < peers_.size(); ++index) {
    Peer& peer = peers_[index];
    peer.stays_until = {};
    peer.due = false;
    ++peer.generation;
    wake(index, {});
  }
}

void Peers::on_event(const Event& event) {
  Peer& peer = peers_[event.target];
  if (peer.generation != event.generation) return;
  peer.due = false;
  if (peer.link != no_index) return act(event.target);
  if (left_ != 0) connect(event.target);
}

void Peers::draw(Peer& peer) {
  Prng& chance = machine_.streams.peers;
  std::uint64_t share = chance.below(64);
  std::size_t at = 0;
  while (share >= shares[at].share) share -= shares[at++].share;
  peer.behaviour = shares[at].behaviour;
  if (habits_.mostly && !one_in(chance, 4)) peer.behaviour = *habits_.mostly;
  const std::uint64_t most = one_in(chance, 16)  ? std::uint64_t{habits_.bytes_max} * 16
                             : one_in(chance, 4) ? habits_.bytes_max
                                                 : 64;
  peer.total = between(chance, 1, most);
  peer.limit = chance.below(peer.total + 1);
  if (peer.behaviour == Behaviour::silent) peer.total = 0;
  if (habits_.trickle_pause.count() == 0 || !one_in(chance, 16)) return;
  peer.behaviour = Behaviour::trickle;
  peer.total = 4096;
}

void Peers::connect(std::uint32_t index) {
  Peer& peer = peers_[index];
  --left_;
  ++busy_;
  ++started_;
  draw(peer);
  peer.probe = probing_;
  if (probing_) peer.behaviour = Behaviour::echo;
  const bool staying = staying_ != 0;
  if (staying) {
    --staying_;
    peer.probe = false;
    // Every other one does not even see that the server ends its stream.
    peer.behaviour = staying_ % 2 == 0 ? Behaviour::silent : Behaviour::deaf;
    peer.total = peer.behaviour == Behaviour::silent ? 0 : 64;
  }
  peer.sent = peer.received = 0;
  peer.outstays_until = peer.sends_at = {};
  peer.link = machine_.network.connect(index);
  peer.number = machine_.network.link(peer.link).number;
  const auto stays = peer.behaviour == Behaviour::deaf && habits_.expects_echo ? deaf_stays_max : habits_.stays_max;
  peer.stays_until = staying ? TimePoint::max() : machine_.now() + delay(machine_.streams.peers, stays);
  // It means to stay: only the server's patience ends it sooner.
  if (peer.behaviour == Behaviour::trickle) peer.stays_until = machine_.now() + habits_.stays_max;
}

/// It came to be served, and nothing that excuses the server has happened.
bool Peers::owed(const Peer& peer) const noexcept {
  const Link& link = machine_.network.link(peer.link);
  const bool orderly = peer.behaviour == Behaviour::echo || peer.behaviour == Behaviour::early_end;
  return habits_.expects_echo && orderly && !link.spoiled && !draining_ && (link.served || peer.probe);
}

void Peers::act(std::uint32_t index) {
  Peer& peer = peers_[index];
  Network& network = machine_.network;
  Link& link = network.link(peer.link);
  if (!link.server_open && !link.reset_at_peer && !link.was_established) return;
  if (peer.behaviour != Behaviour::deaf || link.reset_at_peer)
    receive(peer, peer.behaviour == Behaviour::slow && !hurry_ ? 256 : SIZE_MAX);
  if (link.reset_at_peer) return lost(index, peer);
  if (link.to_peer.drained()) return ended(index, peer);
  if (leaves(peer)) return finish(index, peer);
  send(index, peer);
  if (peer.behaviour == Behaviour::early_end && peer.sent == peer.total) network.peer_end(peer.link);
  if ((peer.behaviour == Behaviour::echo || peer.behaviour == Behaviour::slow) && peer.received == peer.total)
    network.peer_end(peer.link);
  const bool patient =
      peer.behaviour == Behaviour::silent || peer.behaviour == Behaviour::deaf || !habits_.expects_echo;
  if (patient && peer.stays_until != TimePoint::max()) wake(index, peer.stays_until - machine_.now());
  if (peer.behaviour != Behaviour::deaf && link.to_peer.arrived != 0) link_changed(index);
}

/// True: it has gone, in its way.
bool Peers::leaves(Peer& peer) {
  Network& network = machine_.network;
  const bool reached = peer.sent >= peer.limit;
  // What a server that is no echo says, and when, nobody knows: it has its time.
  if (!habits_.expects_echo && machine_.now() >= peer.stays_until) {
    network.peer_close(peer.link);
    return true;
  }
  switch (peer.behaviour) {
    case Behaviour::reset_first:
      network.peer_reset(peer.link);
      return true;
    case Behaviour::close_first:
      network.peer_close(peer.link);
      return true;
    case Behaviour::reset_later:
      if (reached) network.peer_reset(peer.link);
      return reached;
    case Behaviour::close_later:
      if (reached) network.peer_close(peer.link);
      return reached;
    case Behaviour::vanish:
      if (reached) network.peer_vanish(peer.link);
      return reached;
    case Behaviour::silent:
    case Behaviour::deaf:
    case Behaviour::trickle:
      if (machine_.now() < peer.stays_until || outstays(peer)) return false;
      network.peer_close(peer.link);
      return true;
    case Behaviour::echo:
    case Behaviour::early_end:
    case Behaviour::slow:
      break;
  }
  return false;
}

/// It goes on staying when the server has closed on it: close() has to end without it.
bool Peers::outstays(Peer& peer) {
  const Link& link = machine_.network.link(peer.link);
  if (hurry_ || !link.closed_on || !link.server_open) return false;
  if (peer.outstays_until == TimePoint{}) peer.outstays_until = machine_.now() + outstays_max;
  peer.stays_until = machine_.now() + std::chrono::seconds{1};
  return machine_.now() < peer.outstays_until;
}

void Peers::send(std::uint32_t index, Peer& peer) {
  if (peer.sent == peer.total) return;
  if (peer.behaviour == Behaviour::trickle) return trickle(index, peer);
  Prng& chance = machine_.streams.peers;
  const std::uint64_t rest = peer.total - peer.sent;
  const std::uint64_t part = one_in(chance, 3) ? between(chance, 1, rest) : rest;
  const std::span<const std::byte> bytes = pattern_.at(peer.number, peer.sent, part);
  const std::size_t written = machine_.network.peer_write(peer.link, bytes);
  peer.sent += written;
  if (peer.sent != peer.total && written != 0) wake(index, delay(chance, habits_.pause_max));
}

void Peers::trickle(std::uint32_t index, Peer& peer) {
  if (machine_.now() >= peer.sends_at) {
    peer.sent += machine_.network.peer_write(peer.link, pattern_.at(peer.number, peer.sent, 1));
    peer.sends_at = machine_.now() + habits_.trickle_pause;
  }
  wake(index, peer.sends_at - machine_.now());
}

void Peers::receive(Peer& peer, std::size_t most) {
  for (;;) {
    const std::size_t count = machine_.network.peer_read(peer.link, buffer_.data(), std::min(most, buffer_.size()));
    if (count == 0) return;
    if (habits_.expects_echo && !pattern_.matches(peer.number, peer.received, std::span{buffer_}.first(count)))
      machine_.violate(9, "a client received bytes that it did not send, or out of order");
    peer.received += count;
    if (habits_.expects_echo && peer.received > peer.sent)
      machine_.violate(9, "a client received more bytes than it had sent");
    if (most != SIZE_MAX) return;
  }
}

void Peers::lost(std::uint32_t index, Peer& peer) {
  const std::optional<std::uint64_t> promised = machine_.network.link(peer.link).promised;
  // Once it has what it was promised, what it goes on sending may be answered with a reset.
  if (owed(peer) && (!promised || peer.received < *promised))
    machine_.violate(10, "a client that did nothing wrong was reset");
  machine_.note(What::peer_lost, index);
  machine_.network.peer_close(peer.link);
  finish(index, peer);
}

void Peers::ended(std::uint32_t index, Peer& peer) {
  const std::uint64_t due = machine_.network.link(peer.link).promised.value_or(peer.total);
  if (owed(peer) && peer.received != due)
    machine_.violate(10, "a client's stream ended before all of its bytes came back");
  if (peer.received == due) ++served_;
  machine_.note(What::peer_done, index);
  machine_.network.peer_close(peer.link);
  finish(index, peer);
}

void Peers::finish(std::uint32_t index, Peer& peer) {
  const bool refused = !machine_.network.link(peer.link).was_established;
  peer.link = no_index;
  peer.due = false;
  ++peer.generation;
  --busy_;
  if (left_ != 0) wake(index, delay(machine_.streams.peers, refused ? refused_pause_max : habits_.pause_max));
}

}  // namespace iocpp::simulator

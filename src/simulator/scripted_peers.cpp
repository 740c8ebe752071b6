#include "simulator/scripted_peers.hpp"

#include <algorithm>
#include <array>
#include <exception>

#include "simulator/quoted.hpp"

namespace iocpp::simulator {
namespace {

using Kind = Step::Kind;

constexpr std::size_t read_at_once = 16U << 10;
/// An event that no later one takes the place of: a deadline.
constexpr std::uint32_t unconditional = 0;

std::string in_words(const Step& step) {
  switch (step.kind) {
    case Kind::send:
      return "sends " + quoted(step.bytes);
    case Kind::expect:
      return "expects " + quoted(step.bytes);
    case Kind::expect_bytes:
      return "expects " + std::to_string(step.count) + " bytes";
    case Kind::expect_line:
      return step.fits ? "expects a line that fits" : "expects a line";
    case Kind::expect_end:
      return "expects the end of the stream";
    case Kind::expect_reset:
      return "expects a reset";
    case Kind::half_close:
      return "ends its stream";
    case Kind::close:
      return "closes";
    case Kind::reset:
      return "resets";
    case Kind::vanish:
      return "vanishes";
    case Kind::read_slowly:
      return "reads at another pace";
    case Kind::wait:
      return "waits";
    case Kind::stay:
      return "stays until the server drains";
  }
  return "";
}

std::string_view how_it_ended(PeerEnd end) noexcept {
  switch (end) {
    case PeerEnd::none:
      return "nothing more came";
    case PeerEnd::in_order:
      return "the server ended its stream";
    case PeerEnd::reset:
      return "the server reset the connection";
    case PeerEnd::refused:
      return "the connection was refused";
    case PeerEnd::left:
      return "it has left, and its script goes on";
    case PeerEnd::fault:
      return "a fault broke the connection";
  }
  return "";
}

}  // namespace

ScriptedPeers::ScriptedPeers(Machine& machine, Client& others, ScriptHabits habits)
    : machine_{machine}, others_{others}, habits_{std::move(habits)} {
  machine.network.set_client(*this);
}

std::uint32_t ScriptedPeers::add(std::chrono::nanoseconds delay) {
  const auto index = static_cast<std::uint32_t>(peers_.size());
  Peer& peer = peers_.emplace_back();
  peer.absent = std::ranges::count(habits_.absent, index) != 0;
  wake(index, delay);
  return index;
}

void ScriptedPeers::append(std::uint32_t index, Step step) {
  Peer& peer = peers_[index];
  peer.dropped = peer.dropped || peer.end == PeerEnd::fault;
  if (peer.absent || peer.dropped) return;
  peer.steps.push_back(std::move(step));
  if (peer.connected) wake(index, {});
}

void ScriptedPeers::wake(std::uint32_t index, std::chrono::nanoseconds after) {
  Peer& peer = peers_[index];
  const TimePoint at = machine_.now() + after;
  if (peer.absent || (peer.due && peer.due_at <= at)) return;
  peer.due = true;
  peer.due_at = at;
  machine_.schedule.after(after, EventKind::peer, first_number + index, ++peer.generation);
}

void ScriptedPeers::link_changed(std::uint32_t number) {
  if (number < first_number) return others_.link_changed(number);
  wake(number - first_number, delay(machine_.streams.peers, std::chrono::microseconds{5}));
}

void ScriptedPeers::on_event(const Event& event) {
  const std::uint32_t index = event.target - first_number;
  Peer& peer = peers_[index];
  if (event.generation != unconditional) {
    if (event.generation != peer.generation) return;
    peer.due = false;
  }
  if (!peer.connected) return connect(index);
  if (peer.link != no_index) {
    const Link& link = machine_.network.link(peer.link);
    if (!link.was_established && !link.reset_at_peer) return;
    read(index, peer);
    note_end(peer);
  }
  go_on(index, peer);
  // A client whose server has said its last closes, unless its script has it do something else.
  const bool idle = done(index) || peer.steps[peer.at].kind == Kind::stay;
  if (idle && peer.link != no_index && peer.end != PeerEnd::none) leave(peer, Kind::close);
}

void ScriptedPeers::connect(std::uint32_t index) {
  Peer& peer = peers_[index];
  peer.connected = true;
  peer.knocked_at = machine_.now();
  peer.link = machine_.network.connect(first_number + index);
  ++connections_;
}

void ScriptedPeers::read(std::uint32_t index, Peer& peer) {
  const bool slow = peer.read_most != SIZE_MAX;
  if (peer.read_most == 0) return;
  if (slow && machine_.now() < peer.reads_again) return wake(index, peer.reads_again - machine_.now());
  std::array<std::byte, read_at_once> buffer;
  for (;;) {
    const std::size_t count =
        machine_.network.peer_read(peer.link, buffer.data(), std::min(peer.read_most, buffer.size()));
    if (count == 0) return;
    peer.received.append(reinterpret_cast<const char*>(buffer.data()), count);
    if (!slow) continue;
    peer.reads_again = machine_.now() + peer.read_pause;
    if (machine_.network.link(peer.link).to_peer.arrived != 0) wake(index, peer.read_pause);
    return;
  }
}

/// How its connection stands, once nothing can change it any more.
void ScriptedPeers::note_end(Peer& peer) {
  const Link& link = machine_.network.link(peer.link);
  if (peer.end != PeerEnd::none || (!link.reset_at_peer && !link.to_peer.drained())) return;
  peer.by_fault = by_fault(peer, link);
  if (link.to_peer.drained()) {
    peer.end = PeerEnd::in_order;
  } else if (peer.by_fault) {
    peer.end = PeerEnd::fault;
  } else {
    peer.end = link.served ? PeerEnd::reset : PeerEnd::refused;
  }
}

/// Its own connection was hit; or it was never served, and something was in the way of accepting while it waited.
bool ScriptedPeers::by_fault(const Peer& peer, const Link& link) const noexcept {
  if (link.spoiled && link.was_established) return true;
  return !link.served && !machine_.accepting_was_well_since(peer.knocked_at);
}

void ScriptedPeers::go_on(std::uint32_t index, Peer& peer) {
  while (!done(index) && !machine_.violation()) {
    const Step& step = peer.steps[peer.at];
    begin(index, peer, step);
    if (perform(index, peer, step) == Progress::waits) return;
    if (done(index)) return;
    ++peer.at;
    peer.begun = false;
    peer.written = 0;
  }
}

void ScriptedPeers::begin(std::uint32_t index, Peer& peer, const Step& step) {
  if (peer.begun) return;
  peer.begun = true;
  const std::chrono::nanoseconds most = step.kind == Kind::wait ? step.time : habits_.patience;
  peer.deadline = machine_.now() + most;
  const bool waits = step.kind == Kind::wait || step.kind == Kind::send || step.kind == Kind::expect ||
                     step.kind == Kind::expect_bytes || step.kind == Kind::expect_line ||
                     step.kind == Kind::expect_end || step.kind == Kind::expect_reset;
  if (waits) machine_.schedule.after(most, EventKind::peer, first_number + index, unconditional);
}

ScriptedPeers::Progress ScriptedPeers::perform(std::uint32_t index, Peer& peer, const Step& step) {
  switch (step.kind) {
    case Kind::send:
      return send(index, peer, step);
    case Kind::expect:
    case Kind::expect_bytes:
      return expect(index, peer, step);
    case Kind::expect_line:
      return expect_line(index, peer, step);
    case Kind::expect_end:
      return expect_end(index, peer, step, PeerEnd::in_order);
    case Kind::expect_reset:
      return expect_end(index, peer, step, PeerEnd::reset);
    case Kind::half_close:
      if (peer.link == no_index && peer.end != PeerEnd::in_order) return lost(index, peer, step);
      if (peer.link != no_index) machine_.network.peer_end(peer.link);
      return Progress::done;
    case Kind::close:
    case Kind::reset:
    case Kind::vanish:
      leave(peer, step.kind);
      return Progress::done;
    case Kind::read_slowly:
      peer.read_most = step.count;
      peer.read_pause = step.time;
      wake(index, {});
      return Progress::done;
    case Kind::wait:
      return machine_.now() < peer.deadline ? Progress::waits : Progress::done;
    case Kind::stay:
      return draining_ ? Progress::done : Progress::waits;
  }
  return Progress::done;
}

ScriptedPeers::Progress ScriptedPeers::send(std::uint32_t index, Peer& peer, const Step& step) {
  // A server that has only ended its stream still reads; one whose connection was hit may never.
  const bool reads = peer.end == PeerEnd::none || (peer.end == PeerEnd::in_order && !peer.by_fault);
  if (peer.link == no_index || !reads || machine_.network.link(peer.link).reset_at_peer) return lost(index, peer, step);
  const auto rest = std::as_bytes(std::span{step.bytes}).subspan(peer.written);
  const std::size_t count = machine_.network.peer_write(peer.link, rest);
  peer.sent.append(step.bytes, peer.written, count);
  peer.written += count;
  if (peer.written == step.bytes.size()) return Progress::done;
  return machine_.now() < peer.deadline ? Progress::waits : lost(index, peer, step);
}

ScriptedPeers::Progress ScriptedPeers::expect(std::uint32_t index, Peer& peer, const Step& step) {
  const bool any = step.kind == Kind::expect_bytes;
  const std::size_t wanted = any ? step.count : step.bytes.size();
  const std::string_view come = std::string_view{peer.received}.substr(peer.checked, wanted);
  const bool right = any || step.bytes.starts_with(come);
  if (right && come.size() == wanted) {
    peer.checked += wanted;
    return Progress::done;
  }
  if (right && peer.end == PeerEnd::none && machine_.now() < peer.deadline) return Progress::waits;
  return lost(index, peer, step, !right);
}

/// Up to the next "\n", which the test's own check does not see.
ScriptedPeers::Progress ScriptedPeers::expect_line(std::uint32_t index, Peer& peer, const Step& step) {
  const std::string_view come = std::string_view{peer.received}.substr(peer.checked);
  const std::size_t size = come.find('\n');
  if (size == std::string_view::npos) {
    const bool may_come = peer.end == PeerEnd::none && machine_.now() < peer.deadline;
    return may_come ? Progress::waits : lost(index, peer, step);
  }
  if (!fits(index, peer, step, come.substr(0, size))) return lost(index, peer, step, true);
  peer.checked += size + 1;
  return Progress::done;
}

/// What the check throws is the first failure, and so the one that counts.
bool ScriptedPeers::fits(std::uint32_t index, const Peer& peer, const Step& step, std::string_view line) {
  std::string words = "peer " + std::to_string(index) + ", step " + std::to_string(peer.at + 1) + ": the check threw: ";
  try {
    return !step.fits || step.fits(line);
  } catch (const std::exception& exception) {
    words += exception.what();
  } catch (...) {
    words += "something that is no std::exception";
  }
  machine_.violate(own_check, words);
  return false;
}

ScriptedPeers::Progress ScriptedPeers::expect_end(std::uint32_t index, Peer& peer, const Step& step, PeerEnd wanted) {
  const bool more = wanted == PeerEnd::in_order && peer.received.size() != peer.checked;
  const bool refused = wanted == PeerEnd::reset && peer.end == PeerEnd::refused;
  if (!more && (peer.end == wanted || refused)) return Progress::done;
  if (!more && peer.end == PeerEnd::none && machine_.now() < peer.deadline) return Progress::waits;
  return lost(index, peer, step);
}

/// The step can't be done: a fault's doing, or a violation. Either way the script is over.
ScriptedPeers::Progress ScriptedPeers::lost(std::uint32_t index, Peer& peer, const Step& step, bool wrong) {
  const bool excused = peer.by_fault || (peer.link != no_index && by_fault(peer, machine_.network.link(peer.link)));
  if (!excused) {
    const std::string_view come = std::string_view{peer.received}.substr(peer.checked);
    std::string words =
        "peer " + std::to_string(index) + ", step " + std::to_string(peer.at + 1) + ", " + in_words(step) + ": ";
    if (!come.empty()) words += "it received " + quoted(come);
    // What was wrong already, more would not have put right.
    if (!wrong) words += (come.empty() ? "" : ", ") + std::string{how_it_ended(peer.end)};
    machine_.violate(own_check, words);
  }
  if (peer.link != no_index) leave(peer, Kind::close);
  peer.end = excused ? PeerEnd::fault : peer.end;
  peer.dropped = excused;
  peer.at = peer.steps.size();
  return Progress::done;
}

void ScriptedPeers::leave(Peer& peer, Kind how) {
  if (peer.link == no_index) return;
  Network& network = machine_.network;
  if (how == Kind::close) network.peer_close(peer.link);
  if (how == Kind::reset) network.peer_reset(peer.link);
  if (how == Kind::vanish) network.peer_vanish(peer.link);
  peer.link = no_index;
  if (peer.end == PeerEnd::none) peer.end = PeerEnd::left;
}

bool ScriptedPeers::all_done() const noexcept {
  for (const Peer& peer : peers_) {
    if (peer.absent || (peer.at != peer.steps.size() && peer.steps[peer.at].kind == Kind::stay)) continue;
    if (peer.at != peer.steps.size() || !peer.connected || !settled(peer)) return false;
  }
  return true;
}

/// Whether its connection has been made, or refused.
bool ScriptedPeers::settled(const Peer& peer) const noexcept {
  if (peer.link == no_index) return true;
  const Link& link = machine_.network.link(peer.link);
  return link.was_established || link.reset_at_peer;
}

void ScriptedPeers::leave() {
  for (Peer& peer : peers_) {
    if (peer.at == peer.steps.size()) leave(peer, Kind::close);
  }
}

void ScriptedPeers::server_drains() {
  draining_ = true;
  for (std::uint32_t index = 0; index < peers_.size(); ++index) wake(index, {});
}

std::uint64_t ScriptedPeers::begun() const noexcept {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(peers_, [](const Peer& peer) { return !peer.absent && peer.connected; }));
}

std::uint64_t ScriptedPeers::dropped() const noexcept {
  return static_cast<std::uint64_t>(std::ranges::count_if(peers_, &Peer::dropped));
}

std::uint32_t ScriptedPeers::staying() const noexcept {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(peers_, [](const Peer& peer) { return peer.link != no_index; }));
}

void ScriptedPeers::check_done() {
  for (std::uint32_t index = 0; index < peers_.size(); ++index) {
    Peer& peer = peers_[index];
    if (!peer.absent && !done(index)) {
      lost(index, peer, peer.steps[peer.at]);
      return;
    }
  }
}

bool ScriptedPeers::matches(std::uint32_t number, std::uint64_t offset, std::span<const std::byte> bytes) const {
  const std::string& sent = peers_[number - first_number].sent;
  if (offset + bytes.size() > sent.size()) return false;
  return std::ranges::equal(bytes, std::as_bytes(std::span{sent}).subspan(offset, bytes.size()));
}

}  // namespace iocpp::simulator

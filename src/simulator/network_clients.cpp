// The clients' ends of the simulated network's connections.
#include <algorithm>

#include "base/native_codes.hpp"
#include "simulator/machine.hpp"
#include "simulator/network.hpp"

namespace iocpp::simulator {
namespace {

constexpr std::uint8_t connect_tries = 6;
constexpr std::chrono::nanoseconds connects_again_max = std::chrono::milliseconds{50};
constexpr std::chrono::nanoseconds gives_up_after = std::chrono::seconds{30};

}  // namespace

std::uint32_t Network::connect(std::uint32_t peer) {
  const std::uint32_t index = links_.take();
  Link& link = links_[index];
  link.peer = peer;
  link.number = connections_++;
  link.socket = link.listener = link.next = no_index;
  link.peer_open = link.peer_listens = true;
  link.server_open = link.reset_at_server = link.error_told = link.reset_at_peer = false;
  link.reset_on_the_way = link.was_established = link.served = link.spoiled = false;
  link.error = 0;
  link.tries = 0;
  link.promised.reset();
  link.written = link.read = 0;
  link.header = 0;
  link.accepted_at = {};
  link.closed_on = false;
  link.shortages = 0;
  for (Pipe* pipe : {&link.to_server, &link.to_peer}) {
    pipe->bytes.clear();
    pipe->arrived = 0;
    pipe->ended = pipe->end_arrived = pipe->moving = pipe->awaited = false;
  }
  link.to_server.capacity = habits_.receive_buffer;
  link.to_peer.capacity = habits_.send_buffer;
  machine_.note(What::connecting, peer);
  machine_.schedule.after(delay(machine_.streams.network, habits_.latency_max), EventKind::established, index,
                          link.generation);
  return index;
}

void Network::establish(std::uint32_t index) {
  Link& link = links_[index];
  const std::size_t count = listening_.size();
  const std::uint32_t chosen = count == 0 ? no_index : listening_[machine_.streams.network.below(count)];
  if (chosen != no_index && sockets_[chosen].waiting >= habits_.backlog && ++link.tries < connect_tries) {
    // The client's system tries again, as it does when its first packet is lost.
    return machine_.schedule.after(delay(machine_.streams.network, connects_again_max), EventKind::established, index,
                                   link.generation);
  }
  if (chosen == no_index || sockets_[chosen].waiting >= habits_.backlog) {
    machine_.note(What::refused, link.peer);
    link.reset_at_peer = link.spoiled = true;
    return tell_peer(link);
  }
  Socket& listener = sockets_[chosen];
  link.server_open = link.was_established = true;
  link.established_at = machine_.now();
  link.listener = chosen;
  link.next = no_index;
  (listener.waiting == 0 ? listener.first_waiting : links_[listener.last_waiting].next) = index;
  listener.last_waiting = index;
  ++listener.waiting;
  machine_.note(What::established, link.number, chosen);
  if (listener.observer != nullptr) listener.observer->changed(chosen);
  tell_peer(link);
}

std::size_t Network::peer_write(std::uint32_t index, std::span<const std::byte> bytes) {
  Link& link = links_[index];
  Pipe& pipe = link.to_server;
  const std::size_t count = std::min(bytes.size(), pipe.room());
  pipe.awaited = count < bytes.size();
  if (!link.server_open) {
    // The server's socket is gone: its system answers with a reset.
    machine_.schedule.after(delay(machine_.streams.network, habits_.latency_max), EventKind::reset_at_peer, index,
                            link.generation);
    return count;
  }
  pipe.bytes.append(bytes.first(count));
  if (count != 0) send_on(pipe, index, EventKind::arrive_at_server);
  machine_.note(What::peer_sent, link.peer, count);
  return count;
}

std::size_t Network::peer_read(std::uint32_t index, std::byte* to, std::size_t most) {
  Link& link = links_[index];
  Pipe& pipe = link.to_peer;
  const std::size_t count = std::min(most, pipe.arrived);
  pipe.bytes.take(to, count);
  pipe.arrived -= count;
  if (count != 0) machine_.note(What::peer_received, link.peer, count);
  if (count != 0 && pipe.awaited) {
    pipe.awaited = false;
    tell_server(link);
  }
  return count;
}

void Network::peer_end(std::uint32_t index) {
  Link& link = links_[index];
  if (link.to_server.ended) return;
  link.to_server.ended = true;
  machine_.note(What::peer_ended, link.peer);
  send_on(link.to_server, index, EventKind::arrive_at_server);
}

void Network::peer_close(std::uint32_t index) {
  Link& link = links_[index];
  if (!link.to_peer.bytes.empty()) return peer_reset(index);
  machine_.note(What::peer_closed, link.peer);
  if (!link.to_server.ended) {
    link.to_server.ended = true;
    send_on(link.to_server, index, EventKind::arrive_at_server);
  }
  link.peer_listens = false;
  peer_leaves(index);
}

void Network::peer_reset(std::uint32_t index) {
  Link& link = links_[index];
  machine_.note(What::peer_reset, link.peer);
  link.peer_listens = false;
  if (!link.reset_on_the_way) {
    link.reset_on_the_way = true;
    machine_.schedule.after(delay(machine_.streams.network, habits_.latency_max), EventKind::reset_at_server, index,
                            link.generation);
  }
  peer_leaves(index);
}

void Network::peer_vanish(std::uint32_t index) {
  Link& link = links_[index];
  machine_.note(What::peer_vanished, link.peer);
  machine_.schedule.after(gives_up_after + delay(machine_.streams.network, gives_up_after), EventKind::silence, index,
                          link.generation);
  peer_leaves(index);
}

void Network::peer_leaves(std::uint32_t index) {
  links_[index].peer_open = false;
  free_if_unused(index);
}

}  // namespace iocpp::simulator

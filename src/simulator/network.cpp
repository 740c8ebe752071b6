#include "simulator/network.hpp"

#include <algorithm>

#include "base/native_codes.hpp"
#include "simulator/machine.hpp"

namespace iocpp::simulator {

Network::Network(Machine& machine, const NetworkHabits& habits, unsigned handle_stride, std::size_t handle_limit)
    : machine_{machine}, habits_{habits}, handles_{handle_stride, handle_limit} {}

void Network::on_event(const Event& event) {
  if (links_[event.target].generation != event.generation) return;
  switch (event.kind) {
    case EventKind::established:
      return establish(event.target);
    case EventKind::arrive_at_server:
      return arrive_at_server(event.target);
    case EventKind::arrive_at_peer:
      return arrive_at_peer(event.target);
    case EventKind::reset_at_server:
      return reset_reaches_server(
          event.target, machine_.system == System::iocp ? windows_error::wsaeconnreset : linux_errno::connreset);
    case EventKind::silence:
      return reset_reaches_server(event.target,
                                  machine_.system == System::iocp ? windows_error::sem_timeout : linux_errno::timedout);
    case EventKind::reset_at_peer:
      return reset_reaches_peer(event.target);
    default:
      return;
  }
}

/// With one reference: its handle's.
std::uint32_t Network::make_socket(Socket::Kind kind) {
  const std::uint32_t index = sockets_.take();
  Socket& made = sockets_[index];
  const std::uint32_t generation = made.generation;
  made = Socket{};
  made.generation = generation;
  made.kind = kind;
  made.references = 1;
  return index;
}

NativeHandle Network::open_other(Socket::Kind kind) {
  if (handles_.full()) return no_handle;
  const std::uint32_t index = make_socket(kind);
  return sockets_[index].handle = handles_.open(index);
}

bool Network::close_into_other(NativeHandle handle) {
  const std::uint32_t closed = handles_.socket_of(handle);
  if (closed == no_index) return false;
  const std::uint32_t made = make_socket(Socket::Kind::other);
  handles_.replace(handle, made);
  sockets_[made].handle = handle;
  sockets_[closed].handle = no_handle;
  let_go(closed);
  return true;
}

NativeHandle Network::listen() {
  const NativeHandle handle = open_other(Socket::Kind::listener);
  if (handle != no_handle) listening_.push_back(handles_.socket_of(handle));
  return handle;
}

bool Network::close(NativeHandle handle) {
  const std::uint32_t index = handles_.socket_of(handle);
  if (index == no_index) return false;
  handles_.close(handle);
  Socket& socket = sockets_[index];
  socket.closed_owing = healed_ || (machine_.now() < drains_until_ && !socket.closed_by_fault);
  socket.handle = no_handle;
  let_go(index);
  return true;
}

void Network::let_go(std::uint32_t index) {
  Socket& socket = sockets_[index];
  if (--socket.references != 0) return;
  if (socket.kind == Socket::Kind::listener) end_listening(index);
  if (socket.kind == Socket::Kind::stream) server_leaves(socket.link, socket.reset_on_close);
  socket.kind = Socket::Kind::free;
  sockets_.release(index);
}

/// Who waits in its backlog is reset, tcp(7).
void Network::end_listening(std::uint32_t index) {
  listening_.erase(std::find(listening_.begin(), listening_.end(), index));
  if (sockets_[index].closed_owing && sockets_[index].waiting != 0)
    machine_.violate(10, "a listener was closed, and with it connections that were established");
  while (sockets_[index].waiting != 0) drop_waiting(index);
}

void Network::drop_waiting(std::uint32_t listener) {
  Socket& socket = sockets_[listener];
  if (socket.waiting == 0) return;
  const std::uint32_t index = socket.first_waiting;
  socket.first_waiting = links_[index].next;
  if (--socket.waiting == 0) socket.last_waiting = no_index;
  links_[index].spoiled = true;
  links_[index].listener = no_index;
  server_leaves(index, true);
}

NativeHandle Network::accept(std::uint32_t listener, std::uint32_t into) {
  Socket& socket = sockets_[listener];
  if (socket.waiting == 0) return no_handle;
  const std::uint32_t index = socket.first_waiting;
  socket.first_waiting = links_[index].next;
  if (--socket.waiting == 0) socket.last_waiting = no_index;
  const NativeHandle handle = into == no_index ? open_other(Socket::Kind::stream) : sockets_[into].handle;
  const std::uint32_t made = into == no_index ? handles_.socket_of(handle) : into;
  sockets_[made].kind = Socket::Kind::stream;
  sockets_[made].link = index;
  links_[index].socket = made;
  links_[index].listener = no_index;
  links_[index].accepted_at = machine_.now();
  note_wait(links_[index]);
  ++accepted_;
  return handle;
}

void Network::note_wait(const Link& link) {
  const TimePoint since = machine_.now() - machine_.accept_wait_max;
  if (link.established_at < since && machine_.accepting_was_well_since(since))
    machine_.violate(20, "a client knocks, nothing is in the way, and it is not met");
}

void Network::end_stream(Socket& socket) {
  if (socket.kind != Socket::Kind::stream) return;
  Link& link = links_[socket.link];
  if (link.to_peer.ended || link.reset_at_server) return;
  link.to_peer.ended = true;
  send_on(link.to_peer, socket.link, EventKind::arrive_at_peer);
}

std::size_t Network::read(Link& link, std::byte* to, std::size_t most) {
  const std::size_t count = std::min(most, link.to_server.arrived);
  link.to_server.bytes.take(to, count);
  link.to_server.arrived -= count;
  link.read += count;
  if (count != 0) note_transfer(link);
  if (count != 0 && link.to_server.awaited) {
    link.to_server.awaited = false;
    tell_peer(link);
  }
  return count;
}

std::size_t Network::write(std::uint32_t index, std::span<const std::byte> bytes) {
  Link& link = links_[index];
  const std::size_t count = std::min(bytes.size(), link.to_peer.room());
  link.to_peer.awaited = count < bytes.size();
  if (count != 0) note_transfer(link);
  link.to_peer.bytes.append(bytes.first(count));
  link.written += count;
  if (count != 0) send_on(link.to_peer, index, EventKind::arrive_at_peer);
  return count;
}

void Network::reset_by_fault(std::uint32_t index, int error) {
  Link& link = links_[index];
  link.spoiled = true;
  if (!link.reset_at_server) {
    link.reset_at_server = true;
    link.error = error;
    link.error_told = false;
  }
  machine_.schedule.after(delay(machine_.streams.network, habits_.latency_max), EventKind::reset_at_peer, index,
                          link.generation);
  tell_server(link);
}

void Network::note_transfer(Link& link) noexcept {
  link.shortages = 0;
  ++transfers_;
}

/// Sixteen at once, again after each receive or send that had what it needed, since memory is everybody's; then paced
/// by the wheel of timers, whose places are 1 ms wide.
void Network::fell_short(Link& link) {
  constexpr std::uint64_t at_once = 64;
  if (link.shortages == 0) {
    link.short_since = machine_.now();
    link.transfers_before = transfers_;
  }
  link.short_at = machine_.now();
  const auto paced = static_cast<std::uint64_t>((machine_.now() - link.short_since) / std::chrono::microseconds{500});
  if (++link.shortages > at_once + paced + 16 * (transfers_ - link.transfers_before))
    machine_.violate(5, "a receive or send that fails is tried again and again, without a pause");
}

Address Network::peer_address(const Link& link) const noexcept {
  const std::uint32_t nth = link.number / habits_.addresses;
  Address address{.family = Address::Family::ipv4, .port = static_cast<std::uint16_t>(1024 + nth % 60'000)};
  const std::uint32_t number = nth / 60'000 * habits_.addresses + address_of(link.number);
  address.bytes[0] = std::byte{10};
  address.bytes[1] = static_cast<std::byte>(number >> 16);
  address.bytes[2] = static_cast<std::byte>(number >> 8);
  address.bytes[3] = static_cast<std::byte>(number);
  return address;
}

Address Network::client_address(const Link& link) const noexcept {
  Address address = peer_address(link);
  if (address_of(link.number) % 2 == 0) {
    address.bytes[0] = std::byte{203};
    return address;
  }
  // In the first half, since that is what counts as one address (Limits::ipv6_prefix).
  address.family = Address::Family::ipv6;
  std::copy_n(address.bytes.begin(), 4, address.bytes.begin() + 4);
  address.bytes[0] = std::byte{0x20};
  address.bytes[1] = std::byte{0x01};
  address.bytes[2] = std::byte{0x0d};
  address.bytes[3] = std::byte{0xb8};
  return address;
}

void Network::tell_server(const Link& link) {
  if (link.socket == no_index) return;
  const Socket& socket = sockets_[link.socket];
  if (socket.observer != nullptr) socket.observer->changed(link.socket);
}

void Network::tell_peer(const Link& link) {
  if (link.peer_open && client_ != nullptr) client_->link_changed(link.peer);
}

void Network::send_on(Pipe& pipe, std::uint32_t index, EventKind kind) {
  if (pipe.moving) return;
  pipe.moving = true;
  machine_.schedule.after(delay(machine_.streams.network, habits_.latency_max), kind, index, links_[index].generation);
}

/// What is on its way arrives, all or a part; the end with the last byte, or after it. True: there is more.
bool Network::move(Pipe& pipe) {
  pipe.moving = false;
  Prng& chance = machine_.streams.network;
  const std::size_t coming = pipe.bytes.size() - pipe.arrived;
  const bool whole = !one_in(chance, 4) || !habits_.splits;
  if (coming != 0) pipe.arrived += whole ? coming : between(chance, 1, coming);
  if (pipe.ended && pipe.arrived == pipe.bytes.size() && (coming == 0 || whole)) pipe.end_arrived = true;
  return pipe.on_the_way();
}

void Network::arrive_at_server(std::uint32_t index) {
  Link& link = links_[index];
  Pipe& pipe = link.to_server;
  const bool more = move(pipe);
  if (!link.server_open || link.reset_at_server) return;
  if (more) send_on(pipe, index, EventKind::arrive_at_server);
  machine_.note(What::arrived_at_server, link.number, pipe.arrived);
  if (pipe.end_arrived) machine_.note(What::end_at_server, link.number);
  tell_server(link);
}

void Network::arrive_at_peer(std::uint32_t index) {
  Link& link = links_[index];
  Pipe& pipe = link.to_peer;
  if (!link.peer_open && !link.peer_listens && pipe.bytes.size() == 0) return;
  if (!link.peer_listens) {
    // Nobody is there to take it: the client's system answers with a reset.
    pipe.moving = false;
    pipe.bytes.clear();
    pipe.arrived = 0;
    if (!link.reset_on_the_way) {
      link.reset_on_the_way = true;
      machine_.schedule.after(delay(machine_.streams.network, habits_.latency_max), EventKind::reset_at_server, index,
                              link.generation);
    }
    return;
  }
  if (!link.peer_open) return;  // vanished
  if (move(pipe)) send_on(pipe, index, EventKind::arrive_at_peer);
  machine_.note(What::arrived_at_peer, link.number, pipe.arrived);
  if (pipe.end_arrived) machine_.note(What::end_at_peer, link.number);
  tell_peer(link);
}

/// Linux keeps what had arrived before (tcp_recvmsg reads the queue first), Windows drops it.
void Network::reset_reaches_server(std::uint32_t index, int error) {
  Link& link = links_[index];
  if (link.reset_at_server) return;
  link.reset_at_server = true;
  link.error = error;
  Pipe& pipe = link.to_server;
  pipe.bytes.drop_newest(pipe.bytes.size() - pipe.arrived);
  if (machine_.system == System::iocp) {
    pipe.bytes.clear();
    pipe.arrived = 0;
  }
  machine_.note(What::reset_at_server, link.number, static_cast<std::uint64_t>(error));
  tell_server(link);
}

void Network::reset_reaches_peer(std::uint32_t index) {
  Link& link = links_[index];
  if (link.reset_at_peer) return;
  link.reset_at_peer = true;
  Pipe& pipe = link.to_peer;
  pipe.bytes.drop_newest(pipe.bytes.size() - pipe.arrived);
  machine_.note(What::reset_at_peer, link.number);
  tell_peer(link);
}

/// The server's last hold is gone. Unread input, or a wish for it, makes it a reset (RFC 1122, 4.2.2.13).
void Network::server_leaves(std::uint32_t index, bool reset) {
  Link& link = links_[index];
  link.server_open = false;
  link.socket = no_index;
  if (!link.reset_at_server) {
    if (reset || !link.to_server.bytes.empty()) {
      machine_.schedule.after(delay(machine_.streams.network, habits_.latency_max), EventKind::reset_at_peer, index,
                              link.generation);
    } else if (!link.to_peer.ended) {
      link.to_peer.ended = true;
      send_on(link.to_peer, index, EventKind::arrive_at_peer);
    }
  }
  free_if_unused(index);
}

void Network::free_if_unused(std::uint32_t index) {
  if (!links_[index].peer_open && !links_[index].server_open) links_.release(index);
}

}  // namespace iocpp::simulator

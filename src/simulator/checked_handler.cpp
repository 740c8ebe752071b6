#include "simulator/checked_handler.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/native_codes.hpp"
#include "iocpp/error.hpp"
#include "simulator/posting.hpp"
#include "simulator/scripted_peers.hpp"

namespace iocpp::simulator {
namespace {

/// The documented errors after which a listener is of no use: accept(2), AcceptEx.
bool ends_a_listener(System system, int error) noexcept {
  if (system == System::iocp) {
    using namespace windows_error;
    return error == wsaenotsock || error == invalid_handle || error == wsaeopnotsupp || error == wsaefault ||
           error == wsaeinval;
  }
  using namespace linux_errno;
  return error == badf || error == notsock || error == opnotsupp || error == fault || error == inval;
}

}  // namespace

void MailboxEcho::on_receive(Connection connection, std::span<const std::byte> bytes) {
  auto message = std::make_unique<engine::Message>(engine::Message::Kind::send);
  message->id = connection.id();
  message->bytes.assign(bytes.begin(), bytes.end());
  if (post(machine_, mailbox_, std::move(message), false)) return;
  witness_->finds_no_room(connection.id(), bytes.size());
  connection.abort();
}

CheckedHandler::Witness& CheckedHandler::witness(Connection connection) {
  const std::uint32_t slot = connection.id().slot();
  if (slot >= witnesses_.size()) witnesses_.resize(std::max<std::size_t>(slot + 1, witnesses_.size() * 2));
  return witnesses_[slot];
}

/// Before and after each call; exceptions go on to the library, as they would.
template <class Call>
void CheckedHandler::call(Connection connection, What what, std::uint64_t value, Call&& inner_call) {
  const ConnectionId id = connection.id();
  machine_.note(what, id.slot(), value);
  if (closed_) machine_.violate(11, "a callback after on_server_close");
  const Witness& known = witness(connection);
  if (!known.live || known.id != id)
    machine_.violate(11, "a callback for a connection before on_connect or after on_disconnect");
  if (depth_ != 0) machine_.violate(13, "a callback inside another callback");
  if (connection.send_queue_bytes() > habits_.send_queue_bytes_max)
    machine_.violate(16, "a send queue is above its cap");
  if (habits_.slow_max.count() != 0 && one_in(machine_.streams.scheduler, habits_.slow_one_in))
    machine_.schedule.spend(delay(machine_.streams.scheduler, habits_.slow_max));
  if (known.writable_due && what != What::on_writable)
    machine_.violate(10, "a send queue fell below its low watermark, and on_writable was not called");
  struct Inside {
    CheckedHandler& handler;
    Connection connection;
    std::uint32_t slot;
    std::size_t queued;
    ~Inside() {
      --handler.depth_;
      handler.note_queue(connection, queued);
      Witness& witness = handler.witnesses_[slot];
      witness.called = handler.machine_.now();
      witness.times.queue(witness.called, queued, connection.send_queue_bytes());
    }
  };
  ++depth_;
  const Inside inside{*this, connection, id.slot(), connection.send_queue_bytes()};
  guarded(inner_call);
}

/// A queue grows in a callback, and shrinks between them.
void CheckedHandler::note_queue(Connection connection, std::size_t before) {
  Witness& known = witness(connection);
  const std::size_t now = connection.send_queue_bytes();
  if (now > before) known.accepted += now - before;
  known.above = known.above || now > habits_.writable_above;
  if (known.above) known.times.held();
}

/// An exception goes on to the library in any case.
template <class Call>
void CheckedHandler::guarded(Call&& inner_call) {
  if (!habits_.exceptions_fail) return inner_call();
  try {
    inner_call();
  } catch (const std::exception& exception) {
    note_exception(exception.what());
    throw;
  } catch (...) {
    note_exception("something that is no std::exception");
    throw;
  }
}

void CheckedHandler::note_exception(std::string_view what) {
  machine_.violate(own_check, "the handler threw: " + std::string{what});
}

bool CheckedHandler::sent_by_peer(const Witness& known, std::span<const std::byte> bytes) const {
  const bool scripted = known.peer >= ScriptedPeers::first_number;
  return scripted ? scripted_->matches(known.peer, known.received, bytes)
                  : pattern_.matches(known.number, known.received, bytes);
}

void CheckedHandler::on_connect(Connection connection) {
  Witness& known = witness(connection);
  if (known.live) machine_.violate(11, "on_connect for a slot whose connection has not ended");
  known = {.id = connection.id(), .connection = connection, .live = true, .early = !told_any_};
  if (!habits_.hears_sent) known.times.sends_are_quiet();
  ++live_;
  if (const Socket* socket = machine_.network.find(connection.native_handle());
      socket != nullptr && socket->kind == Socket::Kind::stream) {
    Link& link = machine_.network.link_of(*socket);
    link.served = true;
    machine_.network.note_wait(link);
    known.number = link.number;
    known.peer = link.peer;
    known.link = socket->link;
    known.link_generation = link.generation;
    if (++machine_.connections_of[machine_.network.address_of(link.number)] > habits_.connections_per_address)
      machine_.violate(17, "an address has more connections than it may have");
  } else {
    machine_.violate(6, "a connection was made of a handle that names no connection");
  }
  check_header(connection);
  // One that was prepared was accepted earlier.
  const bool accepted_now = connection.proxy_header() == nullptr;
  if (accepted_now && reserves_out_ != nullptr && reserves_out_->load() != 0)
    machine_.violate(3, "a client has the handle with which another loop refuses clients at the limit");
  check_peer_address(connection);
  call(connection, What::on_connect, known.number, [&] {
    inner_.on_connect(connection);
    if (habits_.messages) connection.begin_message();
  });
  Witness& connected = witness(connection);
  connected.times.connected(machine_.now());
  if (habits_.messages) connected.times.begins_message(machine_.now());
}

/// Behind a proxy nobody is told of before its header was read, to the last byte.
void CheckedHandler::check_header(Connection connection) {
  const Link* link = link_of(connection.id());
  if (link == nullptr || link->header == 0) return;
  if (!link->header_is_good || link->read < link->header)
    machine_.violate(8, "a connection was told of without a proxy's whole header");
  const ProxyHeader* header = connection.proxy_header();
  if (header == nullptr || header->source != link->client)
    machine_.violate(7, "a connection's client is not the one that its proxy has named");
}

/// It may fail, whether the client is there or not, where the system is asked; one that is told is the client's.
void CheckedHandler::check_peer_address(Connection connection) {
  Address address;
  const Link* link = link_of(connection.id());
  if (link == nullptr) return;
  const Address own = machine_.network.peer_address(*link);
  const bool named = link->header != 0 && link->client.family != Address::Family::none;
  const std::error_code error = connection.peer_address(address);
  if (named && error) machine_.violate(7, "a client that a proxy has named has no address");
  if (!error && address != (named ? link->client : own))
    machine_.violate(7, "a connection has another client's address");
  if (named && !connection.proxy_address(address) && address != own)
    machine_.violate(7, "a connection has another proxy's address");
}

void CheckedHandler::on_receive(Connection connection, std::span<const std::byte> bytes) {
  Witness& known = witness(connection);
  if (known.ended) machine_.violate(8, "bytes after the end of the peer's stream");
  if (known.paused) machine_.violate(16, "on_receive for a connection that is paused");
  if (connection.send_queue_bytes() > habits_.send_queue_bytes_high)
    machine_.violate(16, "on_receive while more is queued than the high watermark");
  if (bytes.empty()) machine_.violate(8, "on_receive without a byte");
  if (known.awaited_until != TimePoint{} && machine_.now() - known.awaited_until > message_slack())
    machine_.violate(12, "a message has ended that the drain has awaited, and its connection goes on");
  if (!sent_by_peer(known, bytes))
    machine_.violate(8, "a connection received bytes that its peer did not send, or out of order");
  const std::uint64_t before = known.received;
  known.received += bytes.size();
  handed_in_ += bytes.size();
  if (habits_.known && connection.send_queue_bytes() + bytes.size() > habits_.send_queue_bytes_max)
    note_overflow(known);
  call(connection, What::on_receive, bytes.size(), [&] {
    inner_.on_receive(connection, bytes);
    if (habits_.message_bytes != 0) note_message(connection, before);
    whims(connection);
  });
  known.times.received(machine_.now(), bytes.size());
}

/// After bytes of it: whether a message has ended, and whether another one has begun.
void CheckedHandler::note_message(Connection connection, std::uint64_t before) {
  Witness& known = witness(connection);
  const bool one_ended = before / habits_.message_bytes != known.received / habits_.message_bytes;
  const bool was_in_message = std::exchange(known.in_message, known.received % habits_.message_bytes != 0);
  if (was_in_message && one_ended && known.awaited && known.awaited_until == TimePoint{}) {
    known.awaited_until = machine_.now();
    awaited_any_ = true;
  }
  if (!known.in_message) return connection.end_message();
  if (!was_in_message || one_ended) connection.begin_message();
}

/// Its echo will not fit. It ends for that, unless somebody ends it otherwise, in this turn too.
void CheckedHandler::note_overflow(Witness& known) {
  known.overflows = true;
  known.must_overflow = !habits_.by_mailbox && !known.shut && !known.closed && !known.aborted;
  if (Link* link = link_of(known.id)) link->spoiled = true;
}

void CheckedHandler::on_sent(Connection connection, std::size_t bytes) {
  Witness& known = witness(connection);
  known.sent += bytes;
  if (const Link* link = link_of(known.id); link == nullptr || known.sent > link->written)
    machine_.violate(10, "on_sent tells of bytes that the system has not taken");
  // close()'s next deadline counts from the end of this.
  if (known.closed && habits_.slow_max.count() != 0)
    machine_.schedule.spend(delay(machine_.streams.scheduler, habits_.slow_max));
  call(connection, What::on_sent, bytes, [&] { inner_.on_sent(connection, bytes); });
  known.times.sent(machine_.now(), bytes);
  const bool ends = known.closed || known.aborted || draining_;
  known.writable_due =
      sends_are_known() && known.above && !ends && connection.send_queue_bytes() <= habits_.writable_below;
}

void CheckedHandler::on_writable(Connection connection) {
  Witness& known = witness(connection);
  if (sends_are_known() && !known.above) machine_.violate(10, "on_writable for a queue that was not above its mark");
  if (connection.send_queue_bytes() > habits_.writable_below)
    machine_.violate(10, "on_writable for a queue that is above its low watermark");
  known.above = known.writable_due = false;
  call(connection, What::on_writable, 0, [&] { inner_.on_writable(connection); });
}

void CheckedHandler::on_timer(Connection connection) {
  Witness& known = witness(connection);
  if (habits_.known && (!known.has_timer || machine_.now() < known.timer_due))
    machine_.violate(15, "on_timer for a timer that was cancelled, or before its time");
  known.has_timer = false;
  call(connection, What::on_timer, 0, [&] {
    inner_.on_timer(connection);
    if (habits_.timers) cancel_some(connection);
  });
}

void CheckedHandler::on_peer_shutdown(Connection connection) {
  Witness& known = witness(connection);
  if (known.ended) machine_.violate(11, "on_peer_shutdown twice");
  known.ended = known.closed = true;
  known.times.peer_ended();
  known.has_timer = false;
  call(connection, What::on_peer_shutdown, 0, [&] { inner_.on_peer_shutdown(connection); });
}

/// Some keep their connection to the deadline, throw, or end it at once; the others do as the handler does.
void CheckedHandler::on_drain(Connection connection) {
  Witness& known = witness(connection);
  if (!draining_) machine_.violate(11, "on_drain, and nobody has asked for a drain");
  if (known.told) machine_.violate(11, "on_drain twice");
  if (!connection.is_open()) machine_.violate(11, "on_drain for a connection that is closed already");
  known.told = told_any_ = true;
  call(connection, What::on_drain, 0, [&] {
    const std::uint64_t drawn = habits_.known ? machine_.streams.scheduler.below(8) : 8;
    if (drawn == 0) return;
    if (drawn == 1) {
      known.threw = true;
      if (Link* link = link_of(known.id)) link->spoiled = true;
      throw std::runtime_error{"a handler's own exception"};
    }
    if (drawn == 2) {
      ends(known.id, true);
      return connection.abort();
    }
    // One whose message never ends would only be cut.
    if (habits_.messages) return connection.close();
    inner_.on_drain(connection);
    known.awaited = habits_.known && known.in_message && !known.closed && !known.aborted;
    if (known.awaited && !connection.is_open())
      machine_.violate(10, "the drain has closed a connection in the middle of a message");
  });
}

void CheckedHandler::check_told(const core::Core& core) {
  if (!told_any_ || patiently_ || std::exchange(told_checked_, true)) return;
  for (const Witness& known : witnesses_) {
    const core::Slot* slot = known.live && known.early && !known.told ? core.find(known.id) : nullptr;
    if (slot != nullptr && slot->state == core::SlotState::open)
      machine_.violate(11, "others were told of the drain, and a connection that was there was not");
  }
}

/// While the server drains: whose message has ended is closed, whatever it still has to send.
void CheckedHandler::check_awaited(const core::Core& core) {
  if (!draining_ || !awaited_any_) return;
  for (const Witness& known : witnesses_) {
    if (!known.live || known.awaited_until == TimePoint{}) continue;
    const core::Slot* slot = core.find(known.id);
    if (slot == nullptr || slot->state != core::SlotState::open) continue;
    if (machine_.now() - known.awaited_until > message_slack())
      machine_.violate(12, "a message has ended that the drain has awaited, and its connection goes on");
  }
}

void CheckedHandler::on_disconnect(Connection connection, const Disconnect& how) {
  check_end(witness(connection), how);
  check_close(witness(connection), how);
  check_sent(witness(connection), how);
  check_message(witness(connection), how);
  // What is in the mailbox still comes back later: this client gets less.
  const Witness& ended = witness(connection);
  if (Link* link = link_of(ended.id); link != nullptr && habits_.by_mailbox && ended.sent < ended.received)
    link->spoiled = true;
  call(connection, What::on_disconnect, static_cast<std::uint64_t>(how.reason),
       [&] { inner_.on_disconnect(connection, how); });
  Witness& known = witness(connection);
  known.live = false;
  --live_;
  --machine_.connections_of[machine_.network.address_of(known.number)];
}

void CheckedHandler::on_send_failed(ConnectionId id, std::vector<std::byte> bytes, std::error_code error) {
  ++sends_failed_;
  if (habits_.by_mailbox) check_returned(id, bytes, error);
  guarded([&] { inner_.on_send_failed(id, std::move(bytes), error); });
}

/// A message for a connection that has gone, or that does not take it: its client gets less, and is told nothing wrong.
void CheckedHandler::check_returned(ConnectionId id, std::span<const std::byte> bytes, std::error_code error) {
  if (error != errc::closed && error != errc::send_overflow)
    machine_.violate(10, "a message came back for no reason that there is");
  returned_ += bytes.size();
  if (witnesses_[id.slot()].id != id) return;
  if (Link* link = link_of(id)) link->spoiled = true;
}

void CheckedHandler::finds_no_room(ConnectionId id, std::size_t bytes) {
  returned_ += bytes;
  ends(id, true);
}

void CheckedHandler::on_server_error(const ServerError& error) {
  machine_.note(What::on_server_error, loop_, static_cast<std::uint64_t>(error.kind));
  if (depth_ != 0) machine_.violate(13, "on_server_error inside another callback");
  if (error.kind == ServerError::Kind::listener_lost) {
    if (!lost_ && !ends_a_listener(machine_.system, error.error.value()))
      machine_.violate(4, "a listener was given up for an error that is not its own");
    lost_ = true;
  }
  if (error.kind == ServerError::Kind::listener_restored) lost_ = false;
  guarded([&] { inner_.on_server_error(error); });
}

void CheckedHandler::on_server_close() {
  machine_.note(What::on_server_close, loop_);
  if (closed_) machine_.violate(11, "on_server_close twice");
  if (live_ != 0) machine_.violate(11, "on_server_close before the last on_disconnect");
  closed_ = true;
  guarded([&] { inner_.on_server_close(); });
}

ConnectionId CheckedHandler::some(std::uint32_t nth) const noexcept {
  if (witnesses_.empty()) return {};
  const Witness& known = witnesses_[nth % witnesses_.size()];
  return known.live ? known.id : ConnectionId{};
}

/// Null: the connection's end of it is gone.
Link* CheckedHandler::link_of(ConnectionId id) noexcept {
  const Witness& known = witnesses_[id.slot()];
  Link& link = machine_.network.link(known.link);
  return link.generation == known.link_generation ? &link : nullptr;
}

void CheckedHandler::ends(ConnectionId id, bool by_abort) noexcept {
  if (Link* link = link_of(id)) link->spoiled = true;
  Witness& known = witnesses_[id.slot()];
  if (!by_abort) {
    if (!known.closed) known.closed_at = machine_.now();
    known.closed = true;
    if (Link* link = link_of(id)) link->closed_on = true;
  } else if (!known.aborted) {
    known.aborted = true;
    known.aborted_at = machine_.now();
  }
}

void CheckedHandler::close(ConnectionId id) {
  Witness& known = witnesses_[id.slot()];
  if (!known.live || known.id != id || known.closed || known.aborted) return;
  ends(id, false);
  if (habits_.slow_max.count() != 0) machine_.schedule.spend(delay(machine_.streams.scheduler, habits_.slow_max));
  known.called = machine_.now();
  known.has_timer = false;
  known.connection.close();
}

void CheckedHandler::reset(ConnectionId id) {
  if (link_of(id) == nullptr) return;
  const bool windows = machine_.system == System::iocp;
  machine_.network.reset_by_fault(witnesses_[id.slot()].link,
                                  windows ? windows_error::wsaeconnreset : linux_errno::connreset);
}

}  // namespace iocpp::simulator

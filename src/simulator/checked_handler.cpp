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

/// close() waits so long for the peer's end (core::CoreConfig), and so long for each part of what is queued.
constexpr std::chrono::seconds linger_timeout{5};
/// Until an abort from another thread has had its effect: a wake that could not be posted, and slow callbacks.
constexpr std::chrono::seconds abort_bound{4};

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
  if (!sent_by_peer(known, bytes))
    machine_.violate(8, "a connection received bytes that its peer did not send, or out of order");
  known.received += bytes.size();
  handed_in_ += bytes.size();
  if (habits_.known && connection.send_queue_bytes() + bytes.size() > habits_.send_queue_bytes_max)
    note_overflow(known);
  call(connection, What::on_receive, bytes.size(), [&] {
    inner_.on_receive(connection, bytes);
    whims(connection);
  });
  known.times.received(machine_.now(), bytes.size());
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
    inner_.on_drain(connection);
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

void CheckedHandler::on_disconnect(Connection connection, const Disconnect& how) {
  check_end(witness(connection), how);
  check_close(witness(connection), how);
  check_sent(witness(connection), how);
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

void CheckedHandler::check_end(const Witness& known, const Disconnect& how) {
  if (ended_by_deadline(known, how.reason)) return;
  if (!has_cause(known, how.reason)) machine_.violate(11, "on_disconnect with a reason for which there was no cause");
  if (known.aborted && machine_.now() - known.aborted_at > abort_bound)
    machine_.violate(12, "a connection went on for seconds after abort()");
  if (known.must_overflow && how.reason != DisconnectReason::send_overflow && !known.threw)
    machine_.violate(16, "more was sent than the queue may hold, and the connection did not end for that");
  const Link* link = link_of(known.id);
  const bool enough = link != nullptr && link->read - link->header > known.received + habits_.linger_bytes_max;
  const bool by_patience = !enough && habits_.known && how.reason == DisconnectReason::local_close && !known.aborted &&
                           !draining_ && habits_.deadlines.lifetime.count() == 0 && link != nullptr &&
                           !link->to_server.end_arrived && !link->reset_at_server;
  if (by_patience && machine_.now() - known.called < linger_timeout)
    machine_.violate(15, "close() has waited for the peer's end for less than its time");
}

/// close() has its bounds, in time since anything was sent and in bytes that nobody reads.
void CheckedHandler::check_close(const Witness& known, const Disconnect& how) {
  if (!habits_.known || !known.closed || draining_) return;
  constexpr int slow_in_row = 256;
  const std::chrono::nanoseconds most = linger_timeout + abort_bound + slow_in_row * habits_.slow_max;
  if (machine_.now() - std::max(known.called, known.closed_at) > most)
    machine_.violate(12, "a connection went on after close() for longer than it may");
  Link* link = link_of(known.id);
  if (link == nullptr) return;
  const std::uint64_t unread = link->read - link->header - known.received;
  if (unread <= habits_.linger_bytes_max) return;
  // It may have been reset for that, and what was under way to the client is lost.
  link->spoiled = true;
  // Once while it flushes and once when it has; what the system had already comes on top.
  const std::size_t slack = 4 * habits_.receive_buffer + (16U << 10);
  if (unread > 2 * habits_.linger_bytes_max + slack && how.reason != DisconnectReason::handler_threw &&
      !machine_.cancels_refused)
    machine_.violate(12, "input after close() was read, and read on");
}

/// on_sent and `unsent_bytes` tell of every byte, once. A send that ends when the connection is over already is not
/// told of any more; on Windows one that was cancelled when a part of it had left counts as unsent.
void CheckedHandler::check_sent(const Witness& known, const Disconnect& how) {
  const Link* link = link_of(known.id);
  if (link == nullptr) return;
  const bool in_order = !how.error && how.unsent_bytes == 0 &&
                        (how.reason == DisconnectReason::local_close || how.reason == DisconnectReason::peer_closed);
  if (in_order && known.sent != link->written) machine_.violate(10, "on_sent has not told of every byte that was sent");
  if (!sends_are_known()) return;
  if (known.sent + how.unsent_bytes > known.accepted)
    machine_.violate(10, "more bytes are told of as sent or unsent than there were");
  if (link->written + how.unsent_bytes < known.accepted)
    machine_.violate(10, "on_disconnect does not tell of bytes that were not sent");
}

/// Whether something has happened that the reason can mean.
bool CheckedHandler::has_cause(const Witness& known, DisconnectReason reason) noexcept {
  const Link* link = link_of(known.id);
  const bool reset = link == nullptr || link->reset_at_server;
  switch (reason) {
    case DisconnectReason::peer_closed:
      return reset || link->to_server.end_arrived;
    case DisconnectReason::peer_reset:
    case DisconnectReason::network_error:
      return reset;
    case DisconnectReason::local_close:
      return !habits_.known || known.closed || draining_;
    case DisconnectReason::local_abort:
      return !habits_.known || known.aborted;
    case DisconnectReason::handler_threw:
      return !habits_.known || known.threw;
    case DisconnectReason::send_overflow:
      return !habits_.known || known.overflows || habits_.by_mailbox || habits_.total_capped;
    case DisconnectReason::drain_deadline:
      return draining_;
    case DisconnectReason::out_of_resources:
    case DisconnectReason::idle_timeout:
    case DisconnectReason::lifetime:
    case DisconnectReason::min_rate:
    case DisconnectReason::limit:
    case DisconnectReason::stage_failed:
      return false;
  }
  return false;
}

/// What handlers do now and then: pause, throw, close when they have answered, end their own stream.
void CheckedHandler::whims(Connection connection) {
  if (!habits_.known || calm_ || habits_.whim_of == 0) return;
  Prng& chance = machine_.streams.scheduler;
  const std::uint64_t drawn = chance.below(habits_.whim_of);
  if (habits_.timers) start_timers(connection, drawn);
  // Of what is in the mailbox when it closes nobody knows how much goes out.
  if (drawn > (habits_.by_mailbox ? 1U : 5U)) return;
  Witness& known = witness(connection);
  Link* link = link_of(known.id);
  if (drawn <= 1) {
    known.paused = true;
    known.times.held();
    paused_.push_back(connection);
    return connection.pause_receive();
  }
  if (link == nullptr) return;
  if (drawn == 2) {
    link->spoiled = known.threw = true;
    throw std::runtime_error{"a handler's own exception"};
  }
  // Its client gets what was accepted until now, and then the end: whatever else it sends is not answered.
  if (!link->promised) link->promised = known.received;
  if (drawn == 3) {
    known.shut = true;
    return connection.shutdown_send();
  }
  known.closed = link->closed_on = true;
  known.has_timer = false;
  // A deadline counts from here, however late in the turn it is.
  if (habits_.slow_max.count() != 0) machine_.schedule.spend(delay(chance, habits_.slow_max));
  connection.close();
}

void CheckedHandler::resume_paused() {
  for (const Connection connection : std::exchange(paused_, {})) {
    Witness& known = witness(connection);
    if (known.live && known.id == connection.id()) known.paused = false;
    connection.resume_receive();
  }
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

// The accept chain at work: every outcome has its place, and after every turn every listener has something that wakes
// it. Part of engine.hpp.
#pragma once

#include "engine/engine.hpp"

namespace iocpp::engine {

using core::Acceptor;
using core::AcceptOutcome;

template <CompletionPort Port>
void Engine<Port>::on_accept(const Completion& completion) {
  Listener& listener = listeners_[completion.target];
  if (completion.generation != listener.generation) {
    core_.counters().stale_completions.add();
    if (completion.error == 0) port_->close_now(completion.accepted, true);
    return;
  }
  core::ShardCounters& counters = core_.counters();
  const AcceptOutcome outcome = listener.acceptor.on_accept(completion.error, completion.more, now_);
  switch (outcome) {
    case AcceptOutcome::accepted:
      return take_client(listener, completion.accepted);
    case AcceptOutcome::drop_client:
      return counters.accept_dropped.add();
    case AcceptOutcome::retry_later:
    case AcceptOutcome::no_handles:
      return count_shortage(listener, outcome, completion.error);
    case AcceptOutcome::listener_lost:
      note_lost(listener, completion.error);
      if (listener.acceptor.mode() != Acceptor::Mode::rebuilding || std::exchange(listener.lost_told, true)) return;
      counters.listeners_lost.add();
      listener.quiet_until = {};
      return report(listener, ServerError::Kind::listener_lost, completion.error);
    case AcceptOutcome::cancelled:
    case AcceptOutcome::multishot_refused:
      return;
  }
}

/// One accept of the pool, or the drain's, may have said so before, and its number may be a client's since.
template <CompletionPort Port>
void Engine<Port>::note_lost(Listener& listener, int error) noexcept {
  listener.handle_gone = listener.handle_gone || core::handle_is_gone(Port::capabilities.platform, error);
}

template <CompletionPort Port>
void Engine<Port>::count_shortage(Listener& listener, AcceptOutcome outcome, int error) {
  const bool of_handles = outcome == AcceptOutcome::no_handles;
  (of_handles ? core_.counters().accept_no_handles : core_.counters().accept_no_resources).add();
  report(listener, of_handles ? ServerError::Kind::accept_shed : ServerError::Kind::accept_retry, error);
}

template <CompletionPort Port>
void Engine<Port>::on_poll(const Completion& completion) {
  Listener& listener = listeners_[completion.target];
  if (completion.generation != listener.generation) return core_.counters().stale_completions.add();
  if (!listener.acceptor.on_poll()) return;
  if (completion.error == 0) return shed(listener);
  // The poll itself can't be had: polling again at once would spin.
  listener.acceptor.shed_ended(Acceptor::ShedEnd::failed, now_);
}

template <CompletionPort Port>
void Engine<Port>::shed(Listener& listener) {
  for (unsigned refused = 0; refused < Acceptor::shed_batch; ++refused) {
    const Shed outcome = shed_one(listener);
    if (outcome == Shed::nobody) return listener.acceptor.shed_ended(Acceptor::ShedEnd::nobody_left, now_);
    if (outcome == Shed::failed) return listener.acceptor.shed_ended(Acceptor::ShedEnd::failed, now_);
    core_.counters().shed.add();
  }
  listener.acceptor.shed_ended(Acceptor::ShedEnd::batch_full, now_);
}

template <CompletionPort Port>
Shed Engine<Port>::shed_one(const Listener& listener) {
  give_up_reserve();
  const Shed outcome = port_->shed(listener.ref());
  keep_reserve();
  return outcome;
}

/// Said before the reserve handle is free for others to take.
template <CompletionPort Port>
void Engine<Port>::give_up_reserve() noexcept {
  if (!std::exchange(reserve_out_, true)) group_.reserves_out.fetch_add(1);
}

template <CompletionPort Port>
void Engine<Port>::keep_reserve() {
  if (!reserve_out_ || !port_->take_reserve()) return;
  reserve_out_ = false;
  group_.reserves_out.fetch_sub(1);
}

/// A client, unless some shard's reserve handle is what it was accepted with: that is given back, the client refused.
template <CompletionPort Port>
void Engine<Port>::take_client(Listener& listener, NativeHandle handle) {
  ListenerNote& note = listener_notes_[listener.index];
  note.accepted.add();
  note.last_accept.store(now_.time_since_epoch().count(), std::memory_order_relaxed);
  if (group_.reserves_out.load(std::memory_order_relaxed) != 0) keep_reserve();
  if (group_.reserves_out.load(std::memory_order_relaxed) == 0) return admit(handle, listener.number);
  core_.counters().shed.add();
  port_->close_now(handle, false);
  keep_reserve();
  note_freed_handle();
}

/// Before it costs anything else. Who has no address any more has left.
template <CompletionPort Port>
void Engine<Port>::admit(NativeHandle handle, std::uint32_t listener) {
  const auto of_listener = static_cast<std::uint16_t>(listener);
  const core::Stages* stages = config_.core.stages;
  const bool looks = stages != nullptr && stages->looks_at(of_listener);
  Address peer;
  if ((looks || group_.gate.asks_for_address()) && Port::peer_name(handle, peer) != 0)
    return refuse(handle, Refusal::left);
  const auto entrance = looks ? stages->entrance_of(of_listener, peer) : core::Stages::Entrance::serve;
  if (entrance == core::Stages::Entrance::refuse) return refuse(handle, Refusal::untrusted_peer);
  // A proxy's own address is no client's: that is admitted when it is known.
  const bool prepares = entrance == core::Stages::Entrance::prepare;
  const bool by_address = group_.gate.asks_for_address() && !prepares;
  const core::Admission admission = by_address ? group_.gate.admit(peer, now_) : group_.gate.admit(now_);
  if (admission.refused) return refuse(handle, *admission.refused);
  place({handle, of_listener, admission.place, prepares});
}

template <CompletionPort Port>
void Engine<Port>::place(const Client& client) {
  if (config_.placement == core::Placement::self) return adopt(client);
  std::array<std::uint64_t, 256> loads;
  const std::size_t shards = group_.loops.size();
  for (std::size_t shard = 0; shard < shards; ++shard) loads[shard] = group_.loops[shard]->load();
  last_placed_ = core::fewest(std::span{loads}.first(shards), last_placed_);
  if (!hand_over(*group_.loops[last_placed_], client)) turn_away(client);
}

template <CompletionPort Port>
bool Engine<Port>::hand_over(Loop& loop, const Client& client) {
  auto message = std::unique_ptr<Message>{new (std::nothrow) Message{Message::Kind::adopt}};
  if (message == nullptr) return false;
  message->handle = client.handle;
  message->listener = client.listener;
  message->place = client.place;
  message->prepares = client.prepares;
  loop.arriving();
  if (!loop.mailbox().put(message)) return true;
  loop.arrived();
  return false;
}

template <CompletionPort Port>
void Engine<Port>::adopt(const Client& client) {
  const bool adopted =
      port_->attach(client.handle) == 0 && core_.adopt(client.handle, client.listener, client.place, client.prepares);
  if (!adopted) turn_away(client);
}

/// It was admitted, but there is no room for it after all.
template <CompletionPort Port>
void Engine<Port>::turn_away(const Client& client) noexcept {
  group_.gate.give_back(client.place);
  refuse(client.handle, Refusal::out_of_resources);
  note_freed_place();
}

template <CompletionPort Port>
void Engine<Port>::refuse(NativeHandle handle, Refusal why) noexcept {
  core_.counters().refused.add();
  core_.counters().refused_for[static_cast<std::size_t>(why)].add();
  port_->close_now(handle, group_.gate.resets());
  note_freed_handle();
}

/// A connection's place is free: for those shards whose listeners a limit has paused. Our own ask in this very turn.
template <CompletionPort Port>
void Engine<Port>::note_freed_place() noexcept {
  if (!group_.gate.pauses()) return;
  for (Loop* loop : group_.acceptors) {
    if (loop != this) loop->place_freed();
  }
}

/// A handle is free: for a listener of ours that waits for one, in this very turn; for those of other shards, by a
/// wake.
template <CompletionPort Port>
void Engine<Port>::note_freed_handle() noexcept {
  for (Listener& listener : listeners_) {
    // One that was looked at in this turn already, and whose timer is gone now, is looked at in the next.
    const bool closes = listener.acceptor.mode() == Acceptor::Mode::closing;
    posts_refused_ = posts_refused_ || (closes && listener.acceptor.waits_for_handle());
    listener.acceptor.on_handle_freed();
  }
  for (Loop* loop : group_.acceptors) {
    if (loop != this) loop->handle_freed();
  }
}

/// Of limits that pause.
template <CompletionPort Port>
core::Room Engine<Port>::room() {
  const core::Room room = group_.gate.room(now_);
  if (room.full != core::Room::Full::connections) return room;
  // Said before the last look: whoever frees a place after that look wakes this loop.
  waits_for_place_.store(true);
  return group_.gate.room(now_);
}

template <CompletionPort Port>
void Engine<Port>::keep_accepting() {
  keep_reserve();
  if (handle_was_freed_.exchange(false, std::memory_order_relaxed)) {
    for (Listener& listener : listeners_) listener.acceptor.on_handle_freed();
  }
  std::uint64_t in_flight = 0;
  std::uint64_t waiting = 0;
  std::uint64_t paused = 0;
  bool waits_for_handle = false;
  for (Listener& listener : listeners_) {
    keep_accepting(listener);
    const bool is_paused = listener.acceptor.mode() == Acceptor::Mode::paused;
    const bool waits = listener.acceptor.armed() && !is_paused;
    if (!std::exchange(listener.waited, waits) && waits) core_.counters().accept_retries_paced.add();
    if (!std::exchange(listener.paused, is_paused) && is_paused) core_.counters().accept_pauses.add();
    tell_monitors(listener);
    in_flight += listener.acceptor.in_flight();
    waiting += waits ? 1U : 0U;
    paused += is_paused ? 1U : 0U;
    waits_for_handle = waits_for_handle || listener.acceptor.waits_for_handle();
  }
  core_.counters().accepts_in_flight.set(in_flight);
  core_.counters().listeners_waiting.set(waiting);
  core_.counters().listeners_paused.set(paused);
  if (waits_for_handle != waits_for_handle_.load(std::memory_order_relaxed)) waits_for_handle_.store(waits_for_handle);
  assert(accept_chain_holds());
}

template <CompletionPort Port>
void Engine<Port>::tell_monitors(const Listener& listener) noexcept {
  static_assert(static_cast<int>(AcceptState::closing) == static_cast<int>(Acceptor::Mode::closing) &&
                static_cast<int>(AcceptState::paused) == static_cast<int>(Acceptor::Mode::paused));
  ListenerNote& note = listener_notes_[listener.index];
  note.handle.store(listener.handle, std::memory_order_relaxed);
  note.state.store(static_cast<AcceptState>(listener.acceptor.mode()), std::memory_order_relaxed);
  note.in_flight.store(listener.acceptor.in_flight(), std::memory_order_relaxed);
}

template <CompletionPort Port>
void Engine<Port>::keep_accepting(Listener& listener) {
  Acceptor& acceptor = listener.acceptor;
  if (acceptor.mode() == Acceptor::Mode::closing) return close_in_order(listener);
  if (group_.gate.pauses()) acceptor.keep_within(room());
  while (acceptor.accepts_wanted() != 0) {
    if (!port_->accept(listener.ref(), acceptor.multishot())) {
      posts_refused_ = true;
      return;
    }
    acceptor.accept_posted();
    core_.counters().accept_attempts.add();
  }
  if (!acceptor.poll_wanted()) return;
  if (port_->poll_listener(listener.ref())) {
    acceptor.poll_posted();
  } else {
    posts_refused_ = true;
  }
}

template <CompletionPort Port>
bool Engine<Port>::accept_chain_holds() const noexcept {
  if (posts_refused_) return true;  // the next turn does not wait
  for (const Listener& listener : listeners_) {
    if (!listener.acceptor.healthy()) return false;
  }
  return true;
}

/// Cancel, wait for what is in flight, accept who is in the backlog, close: in that order nobody who was established is
/// lost.
template <CompletionPort Port>
void Engine<Port>::close_in_order(Listener& listener) {
  if (listener.acceptor.in_flight() != 0) {
    if (!listener.cancel_posted) listener.cancel_posted = port_->cancel_listener(listener.ref());
    posts_refused_ = posts_refused_ || !listener.cancel_posted;
    return;
  }
  if (!listener.handle_gone && listener.handle != no_handle && !accept_the_rest(listener)) {
    // A successor need not wait for what only this server can do.
    if (group_.handed_over.load() && !group_.others_have(listener.number)) tell_deaf(listener);
    return;
  }
  close_handle(listener);
  listener.acceptor.closed();
  core_.counters().listeners_open.subtract();
  tell_deaf(listener);
}

template <CompletionPort Port>
void Engine<Port>::tell_deaf(Listener& listener) noexcept {
  if (!std::exchange(listener.told_deaf, true)) group_.listener_closed();
}

/// Who is in the backlog, so many a turn. False: not all yet; a shortage, or a limit that pauses, may be in the way,
/// and is waited for until the drain's deadline. Who is still there then is refused. A rate holds no drain up.
template <CompletionPort Port>
bool Engine<Port>::accept_the_rest(Listener& listener) {
  if (listener.acceptor.armed() && !core_.drain().over()) return false;
  constexpr unsigned a_turn = 256;
  constexpr unsigned most = 65'536;  // the largest backlog; whoever comes during this is not waited for without end
  unsigned failures_in_row = 0;
  for (unsigned tried = 0; tried < a_turn; ++tried) {
    if (listener.rest_accepted == most) return true;
    const bool full = group_.gate.pauses() && room().full == core::Room::Full::connections;
    if (full && group_.others_have(listener.number)) return true;  // and accept them
    if (full && !core_.drain().over()) return false;               // a connection that ends makes room, and wakes us
    int error = 0;
    const NativeHandle handle = port_->accept_now(listener.ref(), error);
    if (handle != no_handle) {
      failures_in_row = 0;
      ++listener.rest_accepted;
      full ? refuse(handle, Refusal::connections_max) : take_client(listener, handle);
      continue;
    }
    if (error == Port::capabilities.would_block) return true;
    const AcceptOutcome outcome = core::classify_accept(Port::capabilities.platform, error);
    if (outcome == AcceptOutcome::listener_lost) {
      note_lost(listener, error);
      return true;
    }
    if (outcome == AcceptOutcome::drop_client) {
      core_.counters().accept_dropped.add();
      if (++failures_in_row < Acceptor::multishot_failures_before_pause) continue;
    } else {
      count_shortage(listener, outcome, error);
    }
    return !wait_for_the_rest(listener, outcome);
  }
  posts_refused_ = true;  // the next turn goes on with it, and does not wait
  return false;
}

template <CompletionPort Port>
bool Engine<Port>::wait_for_the_rest(Listener& listener, AcceptOutcome outcome) {
  if (!core_.drain().over()) {
    listener.acceptor.close_later(outcome, now_);
    return true;
  }
  constexpr unsigned most = 65'536;
  if (group_.others_have(listener.number)) return false;  // and accept them
  for (unsigned refused = 0; refused < most && shed_one(listener) == Shed::refused; ++refused) {
    core_.counters().shed.add();
  }
  return false;
}

template <CompletionPort Port>
void Engine<Port>::close_handle(Listener& listener) noexcept {
  if (listener.handle != no_handle && !listener.handle_gone) port_->close_now(listener.handle, false);
  listener.handle = no_handle;
}

template <CompletionPort Port>
void Engine<Port>::rebuild(Listener& listener) {
  if (listener.handle != no_handle) {
    // What is in flight on the lost handle comes back with the old generation, and is absorbed. Without its cancel it
    // would hold the old listener open, and take clients from the new one.
    if (!port_->cancel_listener(listener.ref())) return listener.acceptor.rebuild_failed(now_);
    close_handle(listener);
    listener.acceptor.closed();
    ++listener.generation;
  }
  int error = 0;
  listener.handle = config_.reopen_listener(listener.number, error);
  if (listener.handle == no_handle) {
    listener.acceptor.rebuild_failed(now_);
    return report(listener, ServerError::Kind::listener_lost, error);
  }
  listener.handle_gone = listener.lost_told = false;
  listener.acceptor.open();
  core_.counters().listeners_restored.add();
  listener.quiet_until = {};
  report(listener, ServerError::Kind::listener_restored, 0);
}

/// At most one report a pause and a listener, so that what peers cause can't flood a log.
template <CompletionPort Port>
void Engine<Port>::report(Listener& listener, ServerError::Kind kind, int error) {
  if (now_ < listener.quiet_until) return;
  listener.quiet_until = now_ + report_pause;
  const ServerError what{.kind = kind,
                         .shard = config_.core.shard,
                         .listener = listener.number,
                         .error = error == 0 ? std::error_code{} : native_error(error)};
  core_.guarded([&] { core_.handler(listener.number).on_server_error(what); });
}

}  // namespace iocpp::engine

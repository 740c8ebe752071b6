// One turn of the loop: wait, dispatch, flush. Part of engine.hpp.
#pragma once

#include "engine/engine.hpp"

namespace iocpp::engine {

template <CompletionPort Port>
Engine<Port>::Engine(const EngineConfig& config, Group& group, std::unique_ptr<Port> port)
    : Loop{core_config(config, group), group.gate, *this, config.mailbox_bytes_max},
      group_{group},
      config_{config},
      port_{std::move(port)},
      postponed_{core_.timers()} {
  drain_timer_.kind = patience_timer_.kind = core::TimerKind::drain;
  config_.backend.counters = &core_.counters();
  for (std::uint32_t index = 0; index < config.listeners.size(); ++index) {
    const core::Acceptor::Config chain{.platform = Port::capabilities.platform,
                                       .multishot = Port::capabilities.multishot_accept && !group.gate.pauses(),
                                       .singles = config.accepts_in_flight,
                                       .seed = (std::uint64_t{config.core.shard} << 32) | index};
    const auto number =
        config.listener_numbers.empty() ? static_cast<std::uint16_t>(index) : config.listener_numbers[index];
    listeners_.emplace_back(index, number, config.listeners[index], chain, core_.timers());
    listener_notes_.emplace_back().number = number;
  }
}

template <CompletionPort Port>
core::CoreConfig Engine<Port>::core_config(const EngineConfig& config, Group& group) noexcept {
  core::CoreConfig core = config.core;
  if (group.send_budget.most() != 0) core.send_budget = &group.send_budget;
  core.lend_bytes_min = Port::capabilities.lends ? config.lend_bytes_min : SIZE_MAX;
  return core;
}

template <CompletionPort Port>
std::error_code Engine<Port>::set_up(std::vector<Handler*> handlers) {
  if (const int error = port_->open(config_.backend); error != 0) return native_error(error);
  now_ = port_->now();
  core_.begin(std::move(handlers), now_);
  core_.only_in_turns();
  return {};
}

template <CompletionPort Port>
void Engine<Port>::begin() {
  now_ = port_->now();
  if (!listeners_.empty() && !port_->take_reserve()) give_up_reserve();
  for (Listener& listener : listeners_) listener.acceptor.open();
  core_.counters().listeners_open.set(listeners_.size());
  group_.listeners_open.fetch_add(static_cast<unsigned>(listeners_.size()));
  keep_accepting();
}

template <CompletionPort Port>
bool Engine<Port>::turn() {
  busy_since_.store(0, std::memory_order_relaxed);
  const std::span<const Completion> completions = port_->wait(wait_time());
  const core::Core::Turn running{core_};
  now_ = port_->now();
  busy_since_.store(now_.time_since_epoch().count(), std::memory_order_relaxed);
  core_.counters().turns.add();
  posts_refused_ = hurries_ = false;
  for (const Completion& completion : completions) dispatch(completion);
  if (const int error = port_->wait_error(); error != 0) note_wait_error(error);
  const bool usable = renewed();
  mailbox_.take_all([this](Message& message) { handle_message(message); });
  note_drain();
  core_.timers().expire(now_, [this](core::Timer& timer) { on_timer(timer); });
  if (usable) {
    flush();
    keep_accepting();
  }
  if (!finished()) return true;
  busy_since_.store(0, std::memory_order_relaxed);
  return false;
}

template <CompletionPort Port>
void Engine<Port>::note_wait_error(int error) {
  core_.counters().loop_errors.add();
  if (now_ < loop_quiet_until_) return;
  loop_quiet_until_ = now_ + report_pause;
  const ServerError what{
      .kind = ServerError::Kind::loop_failed, .shard = config_.core.shard, .error = native_error(error)};
  core_.guarded([&] { core_.own_handler().on_server_error(what); });
}

/// False: completions were lost, and what is in flight does not end. The next turn tries again.
template <CompletionPort Port>
bool Engine<Port>::renewed() {
  if constexpr (Port::capabilities.loses_completions) {
    const int error = port_->lost();
    if (error == 0) [[likely]]
      return true;
    // By name, which costs less; what can't be posted is cancelled by `renew`.
    core_.for_each_slot([this](const core::Slot& slot) {
      if (slot.receive_in_flight) static_cast<void>(port_->cancel_receive(slot.ref()));
      if (slot.send_in_flight && !slot.send_quiet) static_cast<void>(port_->cancel_send(slot.ref()));
    });
    if (!port_->renew()) return note_unusable();
    begin_anew(error);
  }
  return true;
}

/// Nothing can be posted; the next turn tries again. Monitors see listeners that wait.
template <CompletionPort Port>
bool Engine<Port>::note_unusable() noexcept {
  posts_refused_ = true;
  core_.counters().accepts_in_flight.set(0);
  core_.counters().listeners_waiting.set(listeners_.size());
  for (ListenerNote& note : listener_notes_) note.in_flight.store(0, std::memory_order_relaxed);
  return false;
}

/// Everything that was in flight has ended, and nobody knows how.
template <CompletionPort Port>
void Engine<Port>::begin_anew(int error) {
  core_.operations_lost(error);
  for (Listener& listener : listeners_) {
    listener.acceptor.operations_lost();
    ++listener.generation;
  }
  note_freed_place();
  note_freed_handle();
}

template <CompletionPort Port>
std::optional<std::chrono::nanoseconds> Engine<Port>::wait_time() const noexcept {
  if (posts_refused_ || hurries_ || core_.anything_dirty()) return std::chrono::nanoseconds{0};
  const auto deadline = core_.next_deadline();
  if (!deadline) return std::nullopt;
  return std::max(*deadline - port_->now(), std::chrono::nanoseconds{0});  // handlers may have been slow
}

template <CompletionPort Port>
void Engine<Port>::dispatch(const Completion& completion) {
  switch (completion.operation) {
    case Operation::receive:
      return core_.on_receive(completion);
    case Operation::send:
      return core_.on_send(completion);
    case Operation::accept:
      return on_accept(completion);
    case Operation::close:
      core_.on_close(completion);
      note_freed_place();
      return note_freed_handle();
    case Operation::poll_listener:
      return on_poll(completion);
  }
}

template <CompletionPort Port>
void Engine<Port>::on_timer(core::Timer& timer) {
  switch (timer.kind) {
    case core::TimerKind::connection:
    case core::TimerKind::watch:
    case core::TimerKind::user:
    case core::TimerKind::starved:
      return core_.on_timer(timer);
    case core::TimerKind::postponed: {
      const std::unique_ptr<PostponedTask> due = postponed_.take(timer);
      return core_.guarded(due->task);
    }
    case core::TimerKind::drain:
      return &timer == &drain_timer_ ? core_.cut_drain() : core_.end_drain_patience();
    case core::TimerKind::listener:
      break;
  }
  for (Listener& listener : listeners_) {
    if (&listener.acceptor == &timer && listener.acceptor.on_timer()) rebuild(listener);
  }
}

/// Posts what the changed slots want. Handlers called on the way may change more slots; those are taken too.
template <CompletionPort Port>
void Engine<Port>::flush() {
  while (core::Slot* slot = core_.next_dirty()) {
    core_.settle(*slot);
    if (post(*slot)) continue;
    // No room. The slot goes to the end of the list, the next wait makes room and does not sleep.
    core_.mark_dirty(*slot);
    core_.keep_lent();
    posts_refused_ = true;
    return;
  }
}

template <CompletionPort Port>
bool Engine<Port>::post(core::Slot& slot) {
  if (slot.wants_receive_cancel()) {
    if (!port_->cancel_receive(slot.ref())) return false;
    slot.receive_cancelling = true;
  }
  if (slot.wants_send_cancel()) {
    if (!port_->cancel_send(slot.ref())) return false;
    slot.send_cancelling = true;
  }
  if (slot.wants_send() && !post_send(slot)) return false;
  if constexpr (Port::capabilities.quiet_sends) hurries_ = hurries_ || slot.hurries();
  if (slot.wants_end()) {
    port_->end_stream(slot.ref());
    slot.end_sent = true;
  }
  if (slot.wants_receive()) {
    if (!port_->receive(slot.ref())) return false;
    slot.receive_posted();
  }
  if (slot.wants_close()) {
    if (!port_->close(slot.ref(), slot.reset)) return false;
    slot.close_posted();
  }
  return true;
}

template <CompletionPort Port>
bool Engine<Port>::post_send(core::Slot& slot) {
  std::array<Buffer, 64> buffers;
  const std::size_t count = slot.send_queue.gather(buffers);
  // One send of at most 1 GiB, so that its length fits every system's types; the rest follows when it has ended.
  constexpr std::size_t most = 1U << 30;
  std::size_t bytes = 0;
  std::size_t used = 0;
  while (used < count && bytes < most) {
    buffers[used].size = std::min(buffers[used].size, most - bytes);
    bytes += buffers[used++].size;
  }
  if constexpr (Port::capabilities.quiet_sends) {
    if (used == 1 && core_.may_send_quietly(slot, bytes)) {
      if (!port_->send_quietly(slot.ref(), buffers[0])) return false;
      slot.send_posted(bytes);
      core_.quiet_send_posted(slot);
      return true;
    }
  }
  if (!post_send(slot, std::span{buffers}.first(used))) return false;
  slot.send_posted(bytes);
  return true;
}

template <CompletionPort Port>
bool Engine<Port>::post_send(core::Slot& slot, std::span<const Buffer> buffers) {
  if constexpr (Port::capabilities.lends) {
    if (slot.lent) return port_->send_lent(slot.ref(), buffers, slot.send_queue.lent()->buffer);
  }
  return port_->send(slot.ref(), buffers);
}

template <CompletionPort Port>
void Engine<Port>::handle_message(Message& message) {
  switch (message.kind) {
    case Message::Kind::send: {
      const SendResult sent = core_.send(message.id, std::move(message.bytes));
      if (sent) return;
      return return_send(message, sent.overflow ? errc::send_overflow : errc::closed);
    }
    case Message::Kind::shutdown_send:
      return core_.shutdown_send(message.id);
    case Message::Kind::close:
      return core_.close(message.id);
    case Message::Kind::abort:
      return core_.abort(message.id);
    case Message::Kind::task:
      return core_.guarded(message.task);
    case Message::Kind::postponed:
      return postpone(message);
    case Message::Kind::adopt:
      arrived();
      return adopt({message.handle, message.listener, message.place, message.prepares});
  }
}

/// Without memory for it the task is lost, and counted as one that threw.
template <CompletionPort Port>
void Engine<Port>::postpone(Message& message) {
  core_.guarded([&] { postponed_.add(message.later); });
}

/// The message will not be carried out any more.
template <CompletionPort Port>
void Engine<Port>::return_message(Message& message) {
  if (message.kind == Message::Kind::adopt) {
    arrived();
    return turn_away({message.handle, message.listener, message.place});
  }
  if (message.kind == Message::Kind::send) return_send(message, errc::closed);
}

template <CompletionPort Port>
void Engine<Port>::return_send(Message& message, errc why) {
  core_.counters().mailbox_undeliverable.add();
  core_.guarded(
      [&] { core_.handler_of(message.id).on_send_failed(message.id, std::move(message.bytes), make_error_code(why)); });
}

template <CompletionPort Port>
void Engine<Port>::note_drain() {
  const Clock::rep wanted = group_.drain_deadline.load(std::memory_order_acquire);
  if (wanted == Group::not_draining) return;
  const TimePoint deadline{Clock::duration{wanted}};
  if (draining_ && deadline >= drain_deadline_) return;
  drain_deadline_ = deadline;
  core_.timers().arm(drain_timer_, deadline);
  if (draining_) {
    if (core_.drain().patient()) arm_patience();
    return;
  }
  draining_ = true;
  for (Listener& listener : listeners_) listener.acceptor.begin_close();
  if (deadline <= now_) return core_.cut_drain();
  // A client of a server that hands over is told by nothing that it should ask somebody else: what it has sent is
  // awaited.
  const bool patient = group_.handed_over.load();
  if (patient) arm_patience();
  core_.begin_drain(patient);
}

/// For half of the time that is left.
template <CompletionPort Port>
void Engine<Port>::arm_patience() noexcept {
  core_.timers().arm(patience_timer_, now_ + (drain_deadline_ - now_) / 2);
}

template <CompletionPort Port>
bool Engine<Port>::finished() {
  const bool places = config_.placement != core::Placement::self;
  if (!draining_ || core_.connections() != 0 || (!places && group_.placing.load())) return false;
  for (const Listener& listener : listeners_) {
    if (listener.acceptor.mode() != core::Acceptor::Mode::closed) return false;
  }
  // Whoever was placed here before the accepting loop ended is in the mailbox already.
  if (!places && arriving_.load() != 0) return false;
  mailbox_.close([this](Message& message) { return_message(message); });
  if (places) group_.placing_ended();
  core_.timers().cancel(drain_timer_);
  core_.timers().cancel(patience_timer_);
  postponed_.drop_all();
  core_.for_each_handler([this](Handler& handler) { core_.guarded([&] { handler.on_server_close(); }); });
  if (std::exchange(reserve_out_, false)) group_.reserves_out.fetch_sub(1);
  port_->stop();
  return true;
}

}  // namespace iocpp::engine

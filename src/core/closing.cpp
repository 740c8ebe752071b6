// Closing: in order (flush, end our stream, await the peer's end), or at once; and what is released when.
#include <cassert>
#include <utility>

#include "core/call_handler.hpp"
#include "core/core.hpp"
#include "iocpp/error.hpp"

namespace iocpp::core {

void Core::close(ConnectionId id) noexcept {
  if (Slot* slot = find(id); slot != nullptr && slot->state == SlotState::open) close(*slot);
}

void Core::close(Slot& slot) noexcept {
  assert(slot.state == SlotState::open);
  slot.state = SlotState::flushing;
  slot.reason = slot.peer_ended ? DisconnectReason::peer_closed : DisconnectReason::local_close;
  slot.end_requested = true;
  slot.resuming = false;
  if (slot.close_after_message) timers_.cancel(slot);
  cancel_user_timer(slot);
  mark_dirty(slot);
}

void Core::close_after_message(ConnectionId id) noexcept {
  Slot* slot = find(id);
  if (slot == nullptr || slot->state != SlotState::open) return;
  if (!slot->in_message) return close(*slot);
  slot->close_after_message = true;
}

/// Closed by its timer, which costs nothing where nobody drains: with what the running callback still sends.
void Core::message_ended(Slot& slot) noexcept {
  // Armed once: who ends a message in each turn would put it off for ever.
  if (slot.close_after_message && slot.state == SlotState::open && !slot.armed()) timers_.arm(slot, time_.now());
}

void Core::abort(ConnectionId id) noexcept {
  if (Slot* slot = find(id); slot != nullptr) end(*slot, DisconnectReason::local_abort, 0, true);
}

/// There is no room for so many bytes more: in its own queue, or in all of them together.
SendResult Core::overflow(Slot& slot, std::size_t bytes) noexcept {
  if (bytes <= config_.send_queue_bytes_max - slot.send_queue.size()) counters_.send_total_overflows.add();
  end(slot, DisconnectReason::send_overflow, 0, true);
  return {.overflow = true};
}

/// Over, whatever is in flight. Where close() was called before and everything was sent, its reason stands, unless it
/// was cut short from this side: by the drain, which counts it as cut, or by a handler that threw.
void Core::end(Slot& slot, DisconnectReason reason, int error, bool reset) noexcept {
  if (!slot.alive()) return;
  if (slot.state == SlotState::preparing) return fail_stage(slot, reason);
  const bool cut_short = reason == DisconnectReason::drain_deadline || reason == DisconnectReason::handler_threw;
  if (slot.state == SlotState::open || !slot.send_queue.empty() || cut_short) {
    slot.reason = reason;
    slot.error = error;
  }
  slot.state = SlotState::ending;
  slot.reset = reset;
  cancel_timers(slot);
  mark_dirty(slot);
}

void Core::settle(Slot& slot) {
  if (slot.resuming) deliver_stash(slot);
  if (slot.state == SlotState::flushing) flush_or_linger(slot);
  if (rules_.any) [[unlikely]]
    attend(slot);
  const bool over = slot.state == SlotState::ending && !slot.receive_in_flight && !slot.send_in_flight;
  if (over) disconnected(slot);
  // Not sooner: what its own callbacks did to it in here is settled too. Marked for a second look, it could be looked
  // at after its close had ended.
  slot.dirty = false;
}

void Core::flush_or_linger(Slot& slot) noexcept {
  const bool flushed = slot.send_queue.empty() && !slot.send_in_flight;
  if (flushed && slot.peer_ended) return end(slot, slot.reason, 0, false);
  if (flushed) {
    slot.state = SlotState::lingering;
    slot.lingered_bytes = 0;
  }
  // Each of the two has its own time; while flushing, progress extends it (queue_shrank).
  if (flushed || !slot.armed()) timers_.arm(slot, time_.now() + config_.linger_timeout);
}

void Core::disconnected(Slot& slot) {
  slot.state = SlotState::closing;
  if (!is_told(slot)) return;
  const std::size_t unsent = slot.send_queue.size();
  Disconnect why{.reason = slot.reason, .error = {}, .unsent_bytes = unsent};
  if (slot.error != 0) why.error = native_error(slot.error);
  if (slot.timed_out) why.error = make_error_code(errc::timed_out);
  counters_.disconnected[static_cast<std::size_t>(slot.reason)].add();
  counters_.unsent_bytes.add(unsent);
  drain_.ended(slot, unsent);
  guarded([&] { handlers_[slot.listener]->on_disconnect(handle_of(slot), why); });
  settling_tick_ = 0;  // it may have been slow
  release_memory(slot);
}

void Core::release_memory(Slot& slot) noexcept {
  send_share_.give_back(slot.send_queue.clear(blocks_));
  slot.lent = false;
  if (slot.stash != nullptr) {
    slot.stash->bytes.clear(blocks_);
    delete slot.stash;
    slot.stash = nullptr;
  }
  destroy_context(slot);
}

void Core::on_close(const Completion& completion) {
  Slot* slot = slots_.find(completion.target, completion.generation);
  if (slot == nullptr) return counters_.stale_completions.add();
  assert(slot->state == SlotState::closing && slot->close_in_flight);
  slot->close_in_flight = false;
  slot->handle = no_handle;
  (is_told(*slot) ? counters_.connections_open : counters_.preparing).subtract();
  delete std::exchange(slot->stage, nullptr);
  const std::uint32_t place = slot->place;
  slots_.release(*slot);
  gate_.give_back(place);
}

/// What it has received or sent meanwhile would be a hole in its stream. A close closes in any case.
void Core::operations_lost(int error) {
  slots_.for_each([&](Slot& slot) {
    Completion ended{.operation = Operation::receive,
                     .error = error,
                     .target = slot.index,
                     .generation = slot.generation,
                     .received = nullptr};
    if (slot.receive_in_flight) on_receive(ended);
    ended.operation = Operation::send;
    if (slot.send_in_flight) on_send(ended);
    ended.operation = Operation::close;
    if (slot.close_in_flight) on_close(ended);
  });
}

}  // namespace iocpp::core

// Sending: one ordered queue a connection, at most one send of its front in flight.
#include <cassert>
#include <functional>

#include "core/call_handler.hpp"
#include "core/core.hpp"

namespace iocpp::core {

/// `held_by`: how much memory its queue would hold more.
template <class Held, class Append>
SendResult Core::enqueue(ConnectionId id, std::size_t bytes, Held&& held_by, Append&& append) {
  Slot* slot = find(id);
  if (slot == nullptr || slot->state != SlotState::open || slot->end_requested) return {.closed = true};
  const bool fits = bytes <= config_.send_queue_bytes_max - slot->send_queue.size();
  const std::size_t held = send_share_.limited() ? held_by(slot->send_queue) : 0;
  if (!fits || !send_share_.take(held)) return overflow(*slot, bytes);
  if (bytes != 0) {
    try {
      append(*slot);
    } catch (...) {
      send_share_.give_back(held);
      end(*slot, DisconnectReason::out_of_resources, 0, true);
      return {.closed = true};
    }
  }
  if (slot->send_queue.size() > config_.send_queue_bytes_high) {
    slot->above_high = true;
    slot->paused_by_pressure = config_.pause_receive_above_high;
  }
  mark_dirty(*slot);
  return {.queued = true, .above_high_watermark = slot->above_high};
}

SendResult Core::send(ConnectionId id, std::span<const std::byte> bytes) {
  const auto held_by = [&](const ByteQueue& queue) { return queue.held_by_more(bytes.size()); };
  return enqueue(id, bytes.size(), held_by, [&](Slot& slot) {
    if (bytes.size() < config_.lend_bytes_min) return slot.send_queue.append(blocks_, bytes);
    append(slot, bytes);
  });
}

void Core::append(Slot& slot, std::span<const std::byte> bytes) {
  if (!may_lend(slot, bytes)) return slot.send_queue.append(blocks_, bytes);
  slot.send_queue.append(blocks_.lend(bytes, received_->buffer));
  slot.lent = true;
}

/// Only what is posted in this turn, so only the first in its queue.
bool Core::may_lend(const Slot& slot, std::span<const std::byte> bytes) const noexcept {
  if (received_ == nullptr || !slot.send_queue.empty() || slot.send_starved) return false;
  assert(!slot.send_in_flight);
  const auto before = std::less<>{};
  return !before(bytes.data(), received_->received) &&
         !before(received_->received + received_->bytes, bytes.data() + bytes.size());
}

SendResult Core::send(ConnectionId id, std::vector<std::byte>&& bytes) {
  // What is kept as it is may hold twice the memory that it needs, and no more.
  const bool kept = bytes.size() >= BlockPool::block_bytes && bytes.capacity() <= 2 * bytes.size();
  if (!kept) {
    const SendResult result = send(id, std::span<const std::byte>{bytes});
    if (result.queued) bytes.clear();
    return result;
  }
  const auto held_by = [&](const ByteQueue&) { return BlockPool::held_by(bytes); };
  return enqueue(id, bytes.size(), held_by,
                 [&](Slot& slot) { slot.send_queue.append(blocks_.wrap(std::move(bytes))); });
}

SendResult Core::send(ConnectionId id, SharedBytes bytes) {
  const std::size_t size = bytes == nullptr ? 0 : bytes->size();
  if (size < BlockPool::block_bytes) {
    return send(id, size == 0 ? std::span<const std::byte>{} : std::span<const std::byte>{*bytes});
  }
  const auto held_by = [&](const ByteQueue&) { return BlockPool::held_by(bytes); };
  return enqueue(id, size, held_by, [&](Slot& slot) { slot.send_queue.append(blocks_.wrap(std::move(bytes))); });
}

void Core::on_send(const Completion& completion) {
  Slot* slot = slots_.find(completion.target, completion.generation);
  if (slot == nullptr) return counters_.stale_completions.add();
  assert(slot->send_in_flight && completion.bytes <= slot->send_in_flight_bytes);
  const bool cancelled_here = slot->send_cancelling;
  const bool counted = slot->send_quiet;
  if (counted || slot->send_fell_short) [[unlikely]]
    note_room(*slot, completion.bytes);
  slot->send_in_flight = slot->send_cancelling = false;
  slot->send_in_flight_bytes = 0;
  mark_dirty(*slot);
  if (completion.bytes != 0) {
    if (!counted) counters_.bytes_sent.add(completion.bytes);
    send_shortage_.over();
    send_share_.give_back(slot->send_queue.consume(blocks_, completion.bytes));
    if (rules_.any && !counted) [[unlikely]]
      note_sent(*slot, completion.bytes);
    if (slot->state == SlotState::open || slot->state == SlotState::flushing) {
      call_handler(*slot, [&](Handler& handler) { handler.on_sent(handle_of(*slot), completion.bytes); });
      queue_shrank(*slot);
    }
  }
  if (slot->lent) return lent_send_ended(*slot, completion.error, cancelled_here);
  if (completion.error != 0) send_failed(*slot, completion.error, cancelled_here);
}

/// It did not wait for room: the rest goes as any other.
void Core::lent_send_ended(Slot& slot, int error, bool cancelled_here) {
  keep_lent(slot);
  if (error != 0 && classify_transfer(config_.platform, error) != TransferOutcome::again)
    send_failed(slot, error, cancelled_here);
}

/// The receive buffer is the port's again after this turn; so what is left of the lent bytes is copied, if anybody will
/// still send it.
void Core::keep_lent(Slot& slot) noexcept {
  slot.lent = false;
  if (slot.send_queue.lent() == nullptr || (slot.state != SlotState::open && slot.state != SlotState::flushing)) return;
  try {
    send_share_.give_back(slot.send_queue.keep_lent(blocks_));
  } catch (...) {
    end(slot, DisconnectReason::out_of_resources, 0, true);
  }
}

void Core::keep_lent() noexcept {
  settling_tick_ = 0;
  for (Slot* slot = dirty_first_; slot != nullptr; slot = slot->dirty_next) {
    if (slot->lent && !slot->send_in_flight) keep_lent(*slot);
  }
}

bool Core::may_send_quietly(const Slot& slot, std::size_t bytes) const noexcept {
  // Larger ones are few, and what they hold until then would be much.
  constexpr std::size_t most = 4096;
  return bytes <= most && bytes == slot.send_queue.size() && slot.state == SlotState::open && !slot.end_requested &&
         !slot.above_high && !slot.send_fell_short && !slot.lent &&
         !detail::HandlerTraits::hears_sent(*handlers_[slot.listener]);
}

/// Counted now: its completion may come much later.
void Core::quiet_send_posted(Slot& slot) noexcept {
  slot.send_quiet = true;
  if (rules_.any) [[unlikely]]
    note_sent_quietly(slot);
  counters_.bytes_sent.add(slot.send_in_flight_bytes);
}

/// Of a send that has ended: a quiet one, or one that waited for room since a quiet one had too little.
void Core::note_room(Slot& slot, std::size_t bytes) noexcept {
  slot.send_fell_short = bytes != slot.send_in_flight_bytes;
  if (slot.send_quiet) counters_.bytes_sent.subtract(slot.send_in_flight_bytes - bytes);
  slot.send_quiet = false;
}

void Core::queue_shrank(Slot& slot) {
  if (slot.state == SlotState::flushing) timers_.arm(slot, time_.now() + config_.linger_timeout);
  if (slot.state != SlotState::open || !slot.above_high || slot.send_queue.size() > config_.send_queue_bytes_low)
    return;
  slot.above_high = false;
  if (slot.paused_by_pressure) {
    slot.paused_by_pressure = false;
    resume_if_unpaused(slot);
  }
  call_handler(slot, [&](Handler& handler) { handler.on_writable(handle_of(slot)); });
}

void Core::send_failed(Slot& slot, int error, bool cancelled_here) {
  const TransferOutcome outcome = classify_transfer(config_.platform, error);
  if (outcome == TransferOutcome::again && slot.send_fell_short) return;  // posted again, to wait for room
  switch (outcome) {
    case TransferOutcome::cancelled:
      if (cancelled_here) return;  // marked dirty, and settled
      // By somebody else: how much of it has left is not known, and none of it may be sent twice.
      return end(slot, DisconnectReason::network_error, error, true);
    case TransferOutcome::again:
    case TransferOutcome::no_resources:
      return retry_later(slot, Operation::send, outcome);
    case TransferOutcome::peer_reset:
      return end(slot, DisconnectReason::peer_reset, error, false);
    case TransferOutcome::failed:
      return end(slot, DisconnectReason::network_error, error, true);
  }
}

void Core::shutdown_send(ConnectionId id) noexcept {
  Slot* slot = find(id);
  if (slot == nullptr || slot->state != SlotState::open) return;
  slot->end_requested = true;
  mark_dirty(*slot);
}

}  // namespace iocpp::core

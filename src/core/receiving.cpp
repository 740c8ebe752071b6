// Receiving: bytes to the handler, in order, once; kept while it is paused; and the end of the stream.
#include <cassert>
#include <memory>

#include "core/call_handler.hpp"
#include "core/core.hpp"

namespace iocpp::core {

void Core::on_receive(const Completion& completion) {
  Slot* slot = slots_.find(completion.target, completion.generation);
  if (slot == nullptr) return counters_.stale_completions.add();
  assert(slot->receive_in_flight);
  if (!completion.more) {
    slot->receive_in_flight = slot->receive_cancelling = false;
    mark_dirty(*slot);
  }
  if (completion.error != 0) return receive_failed(*slot, completion.error);
  if (completion.bytes == 0) return peer_ended(*slot);
  receive_shortage_.over();
  const bool watched = rules_.any && slot->state != SlotState::preparing;
  received_ = &completion;
  counters_.bytes_received.add(completion.bytes);
  deliver(*slot, {completion.received, completion.bytes});
  received_ = nullptr;
  if (watched) [[unlikely]]
    note_received(*slot, completion.bytes);
}

void Core::deliver(Slot& slot, std::span<const std::byte> bytes) {
  switch (slot.state) {
    case SlotState::open:
      if (slot.paused() || slot.stash != nullptr) return stash(slot, bytes);
      call_handler(slot, [&](Handler& handler) { handler.on_receive(handle_of(slot), bytes); });
      if (slot.drain_part == DrainPart::waits) [[unlikely]]
        tell_drain(slot);
      return;
    case SlotState::preparing:
      return prepare(slot, bytes);
    case SlotState::flushing:
    case SlotState::lingering:
      return discard(slot, bytes.size());
    case SlotState::ending:
    case SlotState::closing:
    case SlotState::free:
      return;
  }
}

/// Input after close(): so much, and no more. What is queued still leaves then, but nothing is read any more.
void Core::discard(Slot& slot, std::size_t bytes) noexcept {
  slot.lingered_bytes += static_cast<std::uint32_t>(std::min<std::size_t>(bytes, UINT32_MAX - slot.lingered_bytes));
  if (slot.lingered_bytes <= config_.linger_bytes_max) return;
  if (slot.state == SlotState::lingering) return end(slot, slot.reason, 0, true);
  slot.discarded_enough = true;
  mark_dirty(slot);
}

void Core::stash(Slot& slot, std::span<const std::byte> bytes) {
  try {
    if (slot.stash == nullptr) slot.stash = new Stash;
    slot.stash->bytes.append(blocks_, bytes);
  } catch (...) {
    return end(slot, DisconnectReason::out_of_resources, 0, true);
  }
  resume_if_unpaused(slot);
}

void Core::peer_ended(Slot& slot) {
  assert(!slot.receive_in_flight);
  slot.peer_ended = true;
  if (slot.state == SlotState::preparing) return fail_stage(slot, ProxyFailure::peer_left);
  if (slot.state == SlotState::lingering) return end(slot, slot.reason, 0, false);
  if (slot.state == SlotState::open && !slot.paused() && slot.stash == nullptr) tell_peer_end(slot);
}

void Core::tell_peer_end(Slot& slot) {
  slot.peer_end_told = true;
  call_handler(slot, [&](Handler& handler) { handler.on_peer_shutdown(handle_of(slot)); });
}

void Core::receive_failed(Slot& slot, int error) {
  const TransferOutcome outcome = classify_transfer(config_.platform, error);
  switch (outcome) {
    case TransferOutcome::cancelled:
      return;  // by us: marked dirty, and settled or posted again
    case TransferOutcome::again:
    case TransferOutcome::no_resources:
      return slot.receive_in_flight ? void() : retry_later(slot, Operation::receive, outcome);
    case TransferOutcome::peer_reset:
      return end(slot, DisconnectReason::peer_reset, error, false);
    case TransferOutcome::failed:
      return end(slot, DisconnectReason::network_error, error, true);
  }
}

void Core::pause_receive(ConnectionId id) noexcept {
  Slot* slot = find(id);
  if (slot == nullptr || slot->state != SlotState::open) return;
  slot->paused_by_user = true;
  mark_dirty(*slot);
}

void Core::resume_receive(ConnectionId id) noexcept {
  Slot* slot = find(id);
  if (slot == nullptr || slot->state != SlotState::open) return;
  slot->paused_by_user = false;
  resume_if_unpaused(*slot);
}

void Core::resume_if_unpaused(Slot& slot) noexcept {
  if (slot.paused()) return;
  slot.resuming = slot.stashed();
  mark_dirty(slot);
}

void Core::deliver_stash(Slot& slot) {
  slot.resuming = false;
  settling_tick_ = 0;  // the handler may be slow
  while (slot.stash != nullptr) {
    if (slot.paused() || slot.state != SlotState::open) return;
    ByteQueue& bytes = slot.stash->bytes;
    const std::span<const std::byte> run = bytes.front();
    call_handler(slot, [&](Handler& handler) { handler.on_receive(handle_of(slot), run); });
    bytes.consume(blocks_, run.size());
    if (slot.drain_part == DrainPart::waits) tell_drain(slot);
    if (bytes.empty()) {
      delete slot.stash;
      slot.stash = nullptr;
    }
  }
  if (slot.peer_ended && !slot.peer_end_told && !slot.paused() && slot.state == SlotState::open) tell_peer_end(slot);
}

}  // namespace iocpp::core

#include "core/core.hpp"

#include <cassert>

#include "core/call_handler.hpp"

namespace iocpp::core {

Core::Core(const CoreConfig& config, Gate& gate, TimeSource& time)
    : config_{config},
      rules_{config.deadlines},
      send_share_{config.send_budget},
      gate_{gate},
      time_{time},
      receive_shortage_{config.shard},
      send_shortage_{config.shard} {
  starved_timer_.kind = TimerKind::starved;
}

Core::~Core() {
  timers_.cancel(starved_timer_);
}

bool Core::adopt(NativeHandle handle, std::uint16_t listener, std::uint32_t place, bool prepares) {
  Slot* slot = slots_.take();
  if (slot == nullptr) return false;
  slot->handle = handle;
  slot->listener = listener;
  slot->place = place;
  if ((rules_.any && !watch(*slot)) || (prepares && !begin_stage(*slot))) {
    slots_.release(*slot);
    return false;
  }
  if (!prepares) open(*slot);
  return true;
}

void Core::open(Slot& slot) {
  slot.state = SlotState::open;
  counters_.accepted.add();
  counters_.connections_open.add();
  mark_dirty(slot);
  call_handler(slot, [&](Handler& handler) { handler.on_connect(handle_of(slot)); });
  if (drain_.begun()) join_drain(slot);
}

Slot* Core::find(ConnectionId id) const noexcept {
  return id.shard() == config_.shard ? slots_.find(id.slot(), id.generation()) : nullptr;
}

void Core::mark_dirty(Slot& slot) noexcept {
  if (slot.dirty) return;
  slot.dirty = true;
  slot.dirty_next = nullptr;
  (dirty_last_ == nullptr ? dirty_first_ : dirty_last_->dirty_next) = &slot;
  dirty_last_ = &slot;
}

Slot* Core::next_dirty() noexcept {
  Slot* slot = dirty_first_;
  if (slot == nullptr) {
    settling_tick_ = 0;
    return nullptr;
  }
  dirty_first_ = slot->dirty_next;
  if (dirty_first_ == nullptr) dirty_last_ = nullptr;
  return slot;
}

void Core::on_timer(Timer& timer) {
  if (timer.kind == TimerKind::starved) return retry_starved();
  if (timer.kind == TimerKind::user) return user_timer_fired(slots_.at(static_cast<UserTimer&>(timer).index));
  if (timer.kind == TimerKind::watch) {
    Watch& watch = static_cast<Watch&>(timer);
    watch.fired = true;
    return mark_dirty(slots_.at(watch.index));
  }
  // The slot's own timer is its stage's, and later close()'s, or that of one which is to be closed.
  Slot& slot = static_cast<Slot&>(timer);
  if (slot.state == SlotState::preparing) return fail_stage(slot, ProxyFailure::timed_out);
  if (slot.state == SlotState::open) return close(slot);
  assert(slot.state == SlotState::flushing || slot.state == SlotState::lingering);
  const bool unsent = !slot.send_queue.empty();
  slot.timed_out = unsent;
  end(slot, slot.reason, 0, unsent);
}

void Core::retry_later(Slot& slot, Operation operation, TransferOutcome outcome) noexcept {
  counters_.resource_retries.add();
  Shortage& shortage = operation == Operation::receive ? receive_shortage_ : send_shortage_;
  // Sixteen at once, since what was short may be back already; then paced, whatever the kernel keeps saying.
  constexpr unsigned shortages_before_pause = 16;
  ++shortage.in_row;
  if (outcome == TransferOutcome::again && shortage.in_row < shortages_before_pause) return mark_dirty(slot);
  try {
    starved_.push_back(id_of(slot));
  } catch (...) {
    return end(slot, DisconnectReason::out_of_resources, 0, true);
  }
  if (operation == Operation::receive) slot.receive_starved = true;
  if (operation == Operation::send) slot.send_starved = true;
  if (!starved_timer_.armed()) timers_.arm(starved_timer_, time_.now() + shortage.backoff.next());
}

void Core::retry_starved() noexcept {
  for (const ConnectionId id : starved_) {
    Slot* slot = find(id);
    // One that is over needs no retry, and may not be marked once its close is posted.
    if (slot == nullptr || !slot->alive()) continue;
    slot->receive_starved = slot->send_starved = false;
    mark_dirty(*slot);
  }
  starved_.clear();
}

}  // namespace iocpp::core

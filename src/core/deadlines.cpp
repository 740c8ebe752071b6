// Deadlines and the user's timers: what is armed for a connection, and what follows when it fires.
#include <cassert>

#include "core/call_handler.hpp"
#include "core/core.hpp"

namespace iocpp::core {
namespace {

constexpr std::chrono::nanoseconds longest = std::chrono::hours{24 * 365};

WatchedState state_of(const Slot& slot) noexcept {
  const bool open = slot.state == SlotState::open;
  // What a quiet send has taken has left, though its end is told later.
  const bool waits = slot.send_quiet ? slot.send_queue.size() != slot.send_in_flight_bytes : !slot.send_queue.empty();
  return {.open = open,
          .receiving = open && !slot.paused() && !slot.peer_ended,
          .queued = waits && slot.state != SlotState::lingering};
}

}  // namespace

/// False: there is no memory for it.
bool Core::watch(Slot& slot) noexcept {
  try {
    watches_.make(slot.index).begin(slot.index);
  } catch (...) {
    return false;
  }
  return true;
}

/// The time of what happens to the slots that are settled now: after the callbacks of the turn, and read once for all.
std::uint64_t Core::settling_tick() noexcept {
  if (settling_tick_ == 0) settling_tick_ = TimerQueue::floor_tick(time_.now());
  return settling_tick_;
}

void Core::note_received(Slot& slot, std::size_t bytes) noexcept {
  watches_[slot.index].received(static_cast<std::uint32_t>(bytes));
  if (slot.alive()) mark_dirty(slot);
}

/// After the bytes have left the queue, before the handler can fill it again.
void Core::note_sent(Slot& slot, std::size_t bytes) noexcept {
  watches_[slot.index].sent(static_cast<std::uint32_t>(bytes), slot.send_queue.empty());
}

/// A quiet send was posted: as a rule it has ended with that, and is told of when there is another reason to wake.
void Core::note_sent_quietly(Slot& slot) noexcept {
  watches_[slot.index].sent_quietly(settling_tick());
}

/// What is over is judged by the beginning of the turn, since what has come after it is not seen yet; and again in a
/// later turn, since a port may hand out in the next one what the system had before this one (epoll).
void Core::attend(Slot& slot) noexcept {
  if (!slot.alive() || slot.state == SlotState::preparing) return;
  Watch& watch = watches_[slot.index];
  const WatchedState state = state_of(slot);
  const std::uint64_t now = settling_tick();
  const bool begins = watch.note(state, now);
  if (!watch.fired) {
    if (!begins || (watch.armed() && watch.tick <= now + rules_.soonest)) return;
  } else {
    watch.fired = false;
    const auto over = watch.over(rules_, state, timers_.tick(), now);
    if (over && watch.suspected) return end_late(slot, *over);
    watch.suspected = over.has_value();
    if (over) return timers_.arm_at(watch, timers_.tick() + 1);
  }
  if (const auto due = watch.next_due(rules_, state)) timers_.arm_at(watch, *due);
}

/// By a reset: after an orderly close the system would go on keeping what a peer does not read, for minutes.
void Core::end_late(Slot& slot, DisconnectReason reason) noexcept {
  slot.timed_out = slot.state == SlotState::open || !slot.send_queue.empty();
  end(slot, reason, 0, true);
}

void Core::cancel_timers(Slot& slot) noexcept {
  timers_.cancel(slot);
  if (rules_.any) timers_.cancel(watches_[slot.index]);
  cancel_user_timer(slot);
}

void Core::begin_message(ConnectionId id) noexcept {
  Slot* slot = find(id);
  if (slot == nullptr || slot->state != SlotState::open) return;
  if (slot->in_message) message_ended(*slot);
  slot->in_message = true;
  if (rules_.grace == 0) return;
  watches_[slot->index].begin_message();
  mark_dirty(*slot);
}

void Core::end_message(ConnectionId id) noexcept {
  Slot* slot = find(id);
  if (slot == nullptr) return;
  if (slot->in_message) message_ended(*slot);
  slot->in_message = false;
  if (rules_.any) watches_[slot->index].end_message();
}

void Core::start_timer(ConnectionId id, std::chrono::nanoseconds after) {
  Slot* slot = find(id);
  if (slot == nullptr || slot->state != SlotState::open) return;
  UserTimer& timer = user_timers_.make(slot->index);
  timer.kind = TimerKind::user;
  timer.index = slot->index;
  timers_.arm(timer, time_.now() + std::clamp(after, std::chrono::nanoseconds{0}, longest));
}

void Core::cancel_timer(ConnectionId id) noexcept {
  Slot* slot = find(id);
  if (slot != nullptr) cancel_user_timer(*slot);
}

void Core::cancel_user_timer(Slot& slot) noexcept {
  if (UserTimer* timer = user_timers_.find(slot.index)) timers_.cancel(*timer);
}

void Core::user_timer_fired(Slot& slot) {
  assert(slot.state == SlotState::open);
  call_handler(slot, [&](Handler& handler) { handler.on_timer(handle_of(slot)); });
}

}  // namespace iocpp::core

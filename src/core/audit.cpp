// A look at all of a shard's bookkeeping: for tests and the simulator, since it takes as long as there are connections.
#include "core/core.hpp"

namespace iocpp::core {
namespace {

bool wants_anything(const Slot& slot) noexcept {
  return slot.wants_receive() || slot.wants_receive_cancel() || slot.wants_send() || slot.wants_send_cancel() ||
         slot.wants_end() || slot.wants_close();
}

/// Between turns.
std::string_view flaw_of(const Slot& slot) noexcept {
  if (wants_anything(slot) && !slot.dirty) return "a slot wants something posted, and is not in the list of those";
  if (slot.state == SlotState::lingering && !slot.armed()) return "a connection lingers without a deadline";
  if (slot.state == SlotState::preparing && !slot.armed()) return "a connection is prepared without a deadline";
  const bool in_flight = slot.receive_in_flight || slot.send_in_flight || slot.close_in_flight;
  const bool over = slot.state == SlotState::ending || slot.state == SlotState::closing;
  if (over && !in_flight && !slot.dirty) return "a connection is over, and nothing will end it";
  if (over && slot.armed()) return "a connection is over, and has a deadline";
  if (slot.send_in_flight && slot.send_queue.size() < slot.send_in_flight_bytes)
    return "a send is in flight of more bytes than are queued";
  return {};
}

}  // namespace

bool TimerQueue::holds_as_many_as_it_counts() const noexcept {
  std::uint64_t held = due_.size() + firing_.size();
  for (const Level& level : levels_) {
    for (unsigned place = 0; place < places; ++place) {
      const std::size_t here = level.lists[place].size();
      if (here != 0 && (level.occupied >> place & 1U) == 0) return false;
      held += here;
    }
  }
  return held == armed_;
}

std::string_view Core::flaw() noexcept {
  std::uint32_t used = 0;
  std::uint32_t dirty = 0;
  std::size_t held = 0;
  bool starved = false;
  std::string_view found;
  slots_.for_each([&](Slot& slot) {
    ++used;
    dirty += slot.dirty ? 1U : 0U;
    held += slot.send_queue.held();
    starved = starved || (slot.alive() && (slot.receive_starved || slot.send_starved));
    if (const std::string_view flaw = flaw_of(slot); !flaw.empty()) found = flaw;
  });
  if (!found.empty()) return found;
  if (used != slots_.in_use()) return "the slots in use are not as many as are counted";
  if (counters_.connections_open.get() + counters_.preparing.get() != used)
    return "the counter of open connections is not their number";
  if (send_share_.limited() && held != send_share_.used()) return "the send queues do not hold what is counted";
  if (starved && !starved_timer_.armed()) return "an operation waits for memory, and no timer tries it again";
  std::uint32_t listed = 0;
  for (const Slot* slot = dirty_first_; slot != nullptr && listed <= used; slot = slot->dirty_next) {
    if (!slot->dirty || (slot->dirty_next == nullptr && slot != dirty_last_))
      return "the list of changed slots is broken";
    ++listed;
  }
  if (listed != dirty) return "the list of changed slots has not those that are marked";
  if (!timers_.holds_as_many_as_it_counts()) return "the timers are not as many as are counted";
  return {};
}

bool Core::hurries() noexcept {
  bool hurries = false;
  slots_.for_each([&](const Slot& slot) { hurries = hurries || slot.hurries(); });
  return hurries;
}

}  // namespace iocpp::core

#include "server/accept_health.hpp"

#include <algorithm>
#include <array>

#include "backend/listening.hpp"

namespace iocpp {

std::string_view to_string(AcceptState state) noexcept {
  constexpr std::array<std::string_view, 7> names{"closed",   "accepting",  "paused", "waiting",
                                                  "shedding", "rebuilding", "closing"};
  return names[static_cast<std::size_t>(state)];
}

namespace server {

void AcceptMonitor::look(const engine::Loop& loop, unsigned shard, TimePoint now,
                         std::chrono::nanoseconds stalled_after, AcceptHealth& health) {
  const std::lock_guard lock{mutex_};
  const std::optional<TimePoint> busy_since = loop.busy_since();
  const std::chrono::nanoseconds turn = busy_since ? std::max(now - *busy_since, {}) : std::chrono::nanoseconds{0};
  if (!loop.listener_notes().empty()) health.longest_turn = std::max(health.longest_turn, turn);
  for (std::size_t index = 0; index < loop.listener_notes().size(); ++index) {
    const engine::ListenerNote& note = loop.listener_notes()[index];
    ListenerHealth listener{.listener = note.number, .shard = shard};
    listener.state = note.state.load(std::memory_order_relaxed);
    listener.accepts_in_flight = note.in_flight.load(std::memory_order_relaxed);
    listener.accepted = note.accepted.get();
    if (listener.accepted != 0) {
      const TimePoint last{Clock::duration{note.last_accept.load(std::memory_order_relaxed)}};
      listener.since_last_accept = std::max(now - last, {});
    }
    listener.queue = backend::accept_queue(note.handle.load(std::memory_order_relaxed));
    const bool open = listener.state != AcceptState::closed;
    listener.stalled = open && (turn >= stalled_after || waits_too_long(listener, index, now, stalled_after));
    health.accept_stalled = health.accept_stalled || listener.stalled;
    health.listeners.push_back(listener);
  }
}

bool AcceptMonitor::waits_too_long(const ListenerHealth& listener, std::size_t index, TimePoint now,
                                   std::chrono::nanoseconds stalled_after) {
  const auto key = std::pair{listener.shard, index};
  if (!listener.queue || listener.queue->depth == 0 || listener.state == AcceptState::paused) {
    waiting_.erase(key);
    return false;
  }
  const auto [found, is_new] = waiting_.try_emplace(key, Waiting{listener.accepted, now});
  if (!is_new && found->second.accepted != listener.accepted) found->second = {listener.accepted, now};
  return now - found->second.since >= stalled_after;
}

}  // namespace server
}  // namespace iocpp

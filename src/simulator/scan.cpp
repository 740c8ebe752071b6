// Now and then: a look at all of the state, where the other checks see what has changed.
#include "simulator/run.hpp"

namespace iocpp::simulator {

void Run::scan() {
  for (const Member& member : members_) {
    if (member.running || member.ended) continue;
    // Whoever knocks at a limit waits.
    if (member.shard->is_paused()) machine_.accepting_suffers();
    core::Core& core = member.shard->loop().core();
    if (const std::string_view flaw = core.flaw(); !flaw.empty()) machine_.violate(17, flaw);
    if (const std::string_view flaw = member.handler->flaw(core); !flaw.empty()) machine_.violate(17, flaw);
  }
  if (const std::string_view flaw = machine_.network.flaw(); !flaw.empty()) machine_.violate(17, flaw);
}

/// What is known of its connections is what the core has.
std::string_view CheckedHandler::flaw(const core::Core& core) const noexcept {
  std::uint32_t live = 0;
  for (const Witness& known : witnesses_) {
    if (!known.live) continue;
    ++live;
    const core::Slot* slot = core.find(known.id);
    if (slot == nullptr) return "a connection that has not ended has no slot";
    if (!slot->alive() && slot->state != core::SlotState::ending) return "a connection was closed before on_disconnect";
  }
  return live == live_ ? std::string_view{} : "connections are live that nobody counts";
}

/// Of the simulated system itself: what it gives out is only worth what it knows.
std::string_view Network::flaw() {
  for (const std::uint32_t listener : listening_) {
    const Socket& socket = sockets_[listener];
    std::uint32_t waiting = 0;
    for (std::uint32_t at = socket.first_waiting; waiting < socket.waiting; at = links_[at].next) {
      if (at == no_index || links_[at].listener != listener) return "a backlog is not what it counts";
      note_wait(links_[at]);
      ++waiting;
    }
  }
  return {};
}

}  // namespace iocpp::simulator

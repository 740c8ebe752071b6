// Preparing: a stage reads the first bytes of a connection, and nobody is told of it before they are complete.
#include <cassert>

#include "core/call_handler.hpp"
#include "core/core.hpp"
#include "core/stage.hpp"

namespace iocpp::core {
namespace {

ProxyFailure failure_of(DisconnectReason reason) noexcept {
  if (reason == DisconnectReason::drain_deadline) return ProxyFailure::draining;
  return reason == DisconnectReason::out_of_resources ? ProxyFailure::no_resources : ProxyFailure::peer_left;
}

}  // namespace

bool Core::begin_stage(Slot& slot) noexcept {
  slot.stage = config_.stages->make().release();
  if (slot.stage == nullptr) return false;
  slot.state = SlotState::preparing;
  counters_.preparing.add();
  timers_.arm(slot, time_.now() + config_.stages->timeout());
  mark_dirty(slot);
  if (drain_.begun() && !drain_.patient()) fail_stage(slot, ProxyFailure::draining);
  return true;
}

void Core::prepare(Slot& slot, std::span<const std::byte> bytes) {
  Stage::Step step;
  try {
    step = slot.stage->take(bytes);
  } catch (...) {
    return fail_stage(slot, ProxyFailure::no_resources);
  }
  switch (step.outcome) {
    case Stage::Step::Outcome::more:
      return;
    case Stage::Step::Outcome::failed:
      return fail_stage(slot, step.failure);
    case Stage::Step::Outcome::ready:
      break;
  }
  // The connection's own deadlines count from here.
  if (rules_.any) watches_[slot.index].begin(slot.index);
  timers_.cancel(slot);
  if (!admit_client(slot)) return;
  counters_.preparing.subtract();
  slot.stage->opened = true;
  open(slot);
  if (step.used == bytes.size()) return;
  deliver(slot, bytes.subspan(step.used));
  if (rules_.any) note_received(slot, bytes.size() - step.used);
}

/// The limits for addresses are the client's, where it is known; its proxy was admitted without them.
bool Core::admit_client(Slot& slot) noexcept {
  const Address& client = slot.stage->header().source;
  if (client.family == Address::Family::none || !gate_.asks_for_address()) return true;
  const Admission admission = gate_.admit_address(client, time_.now());
  slot.place = admission.place;
  if (!admission.refused) return true;
  counters_.refused.add();
  counters_.refused_for[static_cast<std::size_t>(*admission.refused)].add();
  end_unopened(slot, gate_.resets());
  return false;
}

void Core::fail_stage(Slot& slot, ProxyFailure failure) noexcept {
  assert(slot.state == SlotState::preparing);
  timers_.cancel(slot);
  counters_.stage_failed.add();
  counters_.proxy_failed[static_cast<std::size_t>(failure)].add();
  // Aborted, as the specification has it, so that the sender notices; who has left needs no telling.
  end_unopened(slot, failure != ProxyFailure::peer_left);
}

void Core::fail_stage(Slot& slot, DisconnectReason reason) noexcept {
  fail_stage(slot, failure_of(reason));
}

void Core::end_unopened(Slot& slot, bool reset) noexcept {
  slot.state = SlotState::ending;
  slot.reset = reset;
  mark_dirty(slot);
}

const ProxyHeader* Core::proxy_header(ConnectionId id) const noexcept {
  const Slot* slot = find(id);
  return slot == nullptr || slot->stage == nullptr || !slot->stage->opened ? nullptr : &slot->stage->header();
}

}  // namespace iocpp::core

// The end of all connections: each is told, and cut where it is still there at the deadline.
#include "core/call_handler.hpp"
#include "core/core.hpp"

namespace iocpp::core {

void Core::begin_drain(bool patient) {
  drain_.begin(patient);
  // All of them before the first is told: what one handler does to another connection is done in the drain.
  slots_.for_each([this, patient](Slot& slot) {
    // One whose header is on its way joins when it is complete.
    if (slot.state != SlotState::preparing) {
      if (slot.alive()) Drain::enroll(slot);
    } else if (!patient) {
      fail_stage(slot, ProxyFailure::draining);
    }
  });
  slots_.for_each([this](Slot& slot) {
    if (slot.state == SlotState::open) patient_or_told(slot);
  });
}

/// One that comes while the server drains already.
void Core::join_drain(Slot& slot) noexcept {
  if (!slot.alive()) return;
  Drain::enroll(slot);
  if (drain_.over()) return cut(slot);
  if (slot.state == SlotState::open) patient_or_told(slot);
}

void Core::patient_or_told(Slot& slot) noexcept {
  if (drain_.patient()) {
    slot.drain_part = DrainPart::waits;
  } else {
    tell_drain(slot);
  }
}

void Core::tell_drain(Slot& slot) noexcept {
  Drain::enroll(slot);
  if (slot.state != SlotState::open) return;
  call_handler(slot, [&](Handler& handler) { handler.on_drain(handle_of(slot)); });
  Drain::told(slot);
}

void Core::end_drain_patience() {
  drain_.end_patience();
  slots_.for_each([this](Slot& slot) {
    if (slot.state == SlotState::preparing) return fail_stage(slot, ProxyFailure::draining);
    if (slot.drain_part == DrainPart::waits) tell_drain(slot);
  });
}

void Core::cut_drain() {
  drain_.set_over();
  slots_.for_each([this](Slot& slot) { cut(slot); });
}

void Core::cut(Slot& slot) noexcept {
  if (!slot.alive()) return;
  drain_.cut(slot);
  end(slot, DisconnectReason::drain_deadline, 0, true);
}

}  // namespace iocpp::core

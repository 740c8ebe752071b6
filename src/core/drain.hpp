// A shard's share of a drain: who was idle, who finished, who was cut.
#pragma once

#include "core/slot.hpp"
#include "iocpp/server.hpp"

namespace iocpp::core {

class Drain {
 public:
  bool begun() const noexcept { return begun_; }
  void begin(bool patient) noexcept {
    begun_ = true;
    patient_ = patient;
  }

  /// Clients may have sent what has not arrived yet: a connection is told after its next bytes, and not at once.
  bool patient() const noexcept { return patient_; }
  void end_patience() noexcept { patient_ = false; }

  /// The deadline is over: who comes now is cut at once.
  bool over() const noexcept { return over_; }
  void set_over() noexcept {
    begun_ = over_ = true;
    patient_ = false;
  }

  /// The connection is to end in this drain.
  static void enroll(Slot& slot) noexcept {
    const bool idle = slot.state == SlotState::open && slot.send_queue.empty() && !slot.in_message;
    slot.drain_part = idle ? DrainPart::idle : DrainPart::busy;
  }

  /// The handler was told. It goes on with the connection, or had something to say.
  static void told(Slot& slot) noexcept {
    if (slot.state == SlotState::open || !slot.send_queue.empty()) slot.drain_part = DrainPart::busy;
  }

  /// The connection is reset at the deadline.
  void cut(Slot& slot) noexcept {
    ++report_.cut;
    slot.drain_part = DrainPart::none;
  }

  /// The connection has ended with `unsent` bytes left.
  void ended(const Slot& slot, std::size_t unsent) noexcept {
    if (begun_) report_.bytes_lost += unsent;
    if (slot.drain_part == DrainPart::none) return;
    const bool in_order =
        unsent == 0 && !slot.reset &&
        (slot.reason == DisconnectReason::local_close || slot.reason == DisconnectReason::peer_closed);
    if (!in_order) {
      ++report_.failed;
    } else {
      ++(slot.drain_part == DrainPart::idle ? report_.idle_closed : report_.finished);
    }
  }

  const DrainReport& report() const noexcept { return report_; }

 private:
  DrainReport report_;
  bool begun_ = false;
  bool patient_ = false;
  bool over_ = false;
};

}  // namespace iocpp::core

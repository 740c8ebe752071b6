// The blocks of sends in flight.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "backend/iocp/operation.hpp"
#include "core/byte_queue.hpp"

namespace iocpp::iocp {

/// WSASend's page asks that the array of buffers stays until the send ends, so it is here. At most one a slot.
struct GatheredSend : Operation {
  /// Wine 8 fails with 10040 above some hundred.
  static constexpr std::size_t buffers_max = 64;

  std::array<kernel::Buffer, buffers_max> buffers;
  std::size_t buffer_count = 0;
  GatheredSend* next = nullptr;

  std::span<const kernel::Buffer> used() const noexcept { return std::span{buffers}.first(buffer_count); }
};

/// They are kept for reuse: there are as many as sends were ever in flight at once.
class GatheredSends {
 public:
  /// Of at most `most` bytes of them. Null without memory.
  GatheredSend* start(SlotRef slot, std::span<const core::Buffer> buffers, std::size_t most) noexcept {
    assert(buffers.size() <= GatheredSend::buffers_max && of(slot.index) == nullptr);
    if (!make_room(slot.index)) return nullptr;
    GatheredSend& send = *free_;
    free_ = send.next;
    of_slot_[slot.index] = &send;
    send.start(Operation::Kind::send, slot);
    send.buffer_count = 0;
    for (std::size_t at = 0; at < buffers.size() && most != 0; ++at) {
      const std::size_t size = std::min(buffers[at].size, most);
      send.buffers[send.buffer_count++] = {static_cast<std::uint32_t>(size), buffers[at].bytes};
      most -= size;
    }
    return &send;
  }

  /// The slot's send in flight, or null.
  GatheredSend* of(std::uint32_t slot) const noexcept { return slot < of_slot_.size() ? of_slot_[slot] : nullptr; }

  void ended(GatheredSend& send) noexcept {
    assert(of(send.target) == &send);
    of_slot_[send.target] = nullptr;
    send.next = free_;
    free_ = &send;
  }

  template <class Each>
  void for_each_in_flight(Each&& each) {
    for (GatheredSend* send : of_slot_) {
      if (send != nullptr) each(*send);
    }
  }

 private:
  bool make_room(std::uint32_t slot) noexcept {
    try {
      if (slot >= of_slot_.size()) of_slot_.resize(std::max<std::size_t>(slot + 1, of_slot_.size() * 2), nullptr);
      if (free_ != nullptr) return true;
      sends_.push_back(std::make_unique<GatheredSend>());
    } catch (const std::bad_alloc&) {
      return false;
    }
    free_ = sends_.back().get();
    return true;
  }

  std::vector<std::unique_ptr<GatheredSend>> sends_;
  std::vector<GatheredSend*> of_slot_;
  GatheredSend* free_ = nullptr;
};

}  // namespace iocpp::iocp

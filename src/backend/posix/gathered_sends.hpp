// The message headers of gathered sends in flight.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "backend/posix/message_header.hpp"
#include "core/byte_queue.hpp"

namespace iocpp::posix {

/// The kernel may read a header until the send's terminal completion, so each lives here and does not move. At most one
/// a slot. They are kept for reuse: there are as many as gathered sends were ever in flight at once.
class GatheredSends {
 public:
  static constexpr std::size_t buffers_max = 64;

  /// Null: there is no memory for one, and nothing has changed.
  const MessageHeader* start(std::uint32_t slot, std::span<const core::Buffer> buffers) noexcept {
    assert(buffers.size() <= buffers_max && !in_flight(slot));
    if (!has_room(slot)) return nullptr;
    Send& send = *free_;
    free_ = send.next;
    of_slot_[slot] = &send;
    std::copy(buffers.begin(), buffers.end(), send.buffers.begin());
    send.header.buffers = send.buffers.data();
    send.header.buffer_count = buffers.size();
    return &send.header;
  }

  const MessageHeader& header(std::uint32_t slot) const noexcept {
    assert(in_flight(slot));
    return of_slot_[slot]->header;
  }

  bool in_flight(std::uint32_t slot) const noexcept { return slot < of_slot_.size() && of_slot_[slot] != nullptr; }

  void ended(std::uint32_t slot) noexcept {
    assert(in_flight(slot));
    of_slot_[slot]->next = free_;
    free_ = of_slot_[slot];
    of_slot_[slot] = nullptr;
  }

  void all_ended() noexcept {
    for (std::uint32_t slot = 0; slot < of_slot_.size(); ++slot) {
      if (in_flight(slot)) ended(slot);
    }
  }

 private:
  bool has_room(std::uint32_t slot) noexcept {
    try {
      if (slot >= of_slot_.size()) of_slot_.resize(std::max<std::size_t>(slot + 1, of_slot_.size() * 2), nullptr);
      if (free_ != nullptr) return true;
      sends_.push_back(std::make_unique<Send>());
    } catch (const std::bad_alloc&) {
      return false;
    }
    free_ = sends_.back().get();
    return true;
  }

  struct Send {
    MessageHeader header;
    std::array<core::Buffer, buffers_max> buffers;
    Send* next = nullptr;
  };

  std::vector<std::unique_ptr<Send>> sends_;
  std::vector<Send*> of_slot_;
  Send* free_ = nullptr;
};

}  // namespace iocpp::posix

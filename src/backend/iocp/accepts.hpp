// The blocks of accepts in flight.
#pragma once

#include <array>
#include <cassert>
#include <memory>
#include <new>
#include <vector>

#include "backend/iocp/operation.hpp"

namespace iocpp::iocp {

/// AcceptEx writes the two addresses, and connects `socket`, at some time before the packet is dequeued.
struct Accept : Operation {
  NativeHandle socket = no_handle;  ///< Made before the accept is posted; the client's from its success on.
  bool in_flight = false;
  Accept* next = nullptr;
  std::array<std::byte, 2 * kernel::address_bytes> addresses;
};

/// They are kept for reuse: there are as many as accepts were ever in flight at once.
class Accepts {
 public:
  /// A block for the next accept; null without memory.
  Accept* take() noexcept {
    if (free_ == nullptr && !add()) return nullptr;
    Accept* accept = free_;
    free_ = accept->next;
    return accept;
  }

  void release(Accept& accept) noexcept {
    assert(!accept.in_flight);
    accept.socket = no_handle;
    accept.next = free_;
    free_ = &accept;
  }

  template <class Each>
  void for_each_in_flight(Each&& each) {
    for (const std::unique_ptr<Accept>& accept : accepts_) {
      if (accept->in_flight) each(*accept);
    }
  }

 private:
  bool add() noexcept {
    try {
      accepts_.push_back(std::make_unique<Accept>());
    } catch (const std::bad_alloc&) {
      return false;
    }
    release(*accepts_.back());
    return true;
  }

  std::vector<std::unique_ptr<Accept>> accepts_;
  Accept* free_ = nullptr;
};

}  // namespace iocpp::iocp

// An operation that the system has: what its packet points to.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "backend/iocp/kernel.hpp"
#include "base/native_handle.hpp"
#include "engine/backend.hpp"

namespace iocpp::iocp {

using engine::Completion;
using engine::SlotRef;

/// It lives in a block that neither moves nor is used anew from before the posting call until its packet was dequeued.
/// The posting call has returned by then: one thread posts and dequeues.
struct Operation {
  enum class Kind : std::uint32_t { accept, receive, send };

  kernel::Overlapped overlapped;    ///< First, so that the system's pointer is the operation's.
  NativeHandle handle = no_handle;  ///< The socket that it was posted on; of an accept, the listener.
  std::uint32_t target : 24 = 0;    ///< A slot's index, or a listener's.
  Kind kind : 8 = Kind::accept;
  std::uint32_t generation = 0;

  static Operation& of(kernel::Overlapped& overlapped) noexcept { return *reinterpret_cast<Operation*>(&overlapped); }

  void start(Kind what, SlotRef slot) noexcept {
    overlapped = {};
    handle = slot.handle;
    target = slot.index & 0xffffffU;
    kind = what;
    generation = slot.generation;
  }

  Completion completion(engine::Operation what, int error) const noexcept {
    Completion completion{};
    completion.operation = what;
    completion.error = error;
    completion.target = target;
    completion.generation = generation;
    return completion;
  }
};

static_assert(std::is_standard_layout_v<Operation>, "its address is its first member's");

using Completions = std::vector<Completion>;

/// Room for so many more, without an exception where there is no memory for it.
inline bool has_room(Completions& completions, std::size_t more) noexcept {
  const std::size_t wanted = completions.size() + more;
  if (wanted <= completions.capacity()) return true;
  try {
    completions.reserve(std::max(wanted, 2 * completions.capacity()));
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

}  // namespace iocpp::iocp

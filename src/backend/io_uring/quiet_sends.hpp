// Sends of which the ring tells the failure only (IOSQE_CQE_SKIP_SUCCESS).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "core/completion.hpp"
#include "engine/backend.hpp"

namespace iocpp::io_uring {

/// Part of a port. One has succeeded when it was submitted, which ends it, and every entry was taken that could say
/// otherwise. Until then it waits: for a turn that leaves nothing in the ring, or for the entry of a fence, an
/// operation that was posted behind it. So what comes later does not put off its end.
class QuietSends {
 public:
  static constexpr std::size_t most = 512;

  std::size_t count() const noexcept { return count_; }
  bool wait() const noexcept { return wait_; }
  bool want_fence() const noexcept { return want_fence_; }
  void fence_posted() noexcept { fence_in_flight_ = true; }
  void fence_passed() noexcept {
    fence_in_flight_ = false;
    fence_passed_ = true;
  }
  /// For one more. Beside those that wait there is none: what is posted after them would put off their end.
  bool have_room() const noexcept { return !wait_ && count_ != most; }
  std::uint32_t next_place() const noexcept { return static_cast<std::uint32_t>(count_); }

  void posted(engine::SlotRef slot, std::size_t bytes) noexcept {
    sends_[count_++] = {.operation = core::Operation::send,
                        .target = slot.index,
                        .generation = slot.generation,
                        .bytes = static_cast<std::uint32_t>(bytes),
                        .received = nullptr};
  }
  /// It did not succeed, or not whole.
  void failed(std::uint32_t place, int error, std::uint32_t bytes) noexcept {
    sends_[place].error = error;
    sends_[place].bytes = bytes;
  }

  /// Nobody is told of them any more. How many they were.
  std::size_t drop() noexcept { return std::exchange(*this, QuietSends{}).count_; }

  /// Entries were taken; `submitted`: nothing is left to submit, `left`: entries are, in the ring or overflowed. How
  /// many have ended: all of them, written to `told`, or none.
  std::size_t end(bool submitted, bool left, std::span<core::Completion> told) noexcept {
    const bool ended = std::exchange(fence_passed_, false) || (submitted && !left);
    wait_ = !ended;
    want_fence_ = wait_ && submitted && !fence_in_flight_;
    if (wait_) return 0;
    std::copy_n(sends_.begin(), count_, told.begin());
    return std::exchange(count_, 0);
  }

 private:
  std::array<core::Completion, most> sends_;  // each as the completion that it will have
  std::size_t count_ = 0;
  bool wait_ = false;
  bool want_fence_ = false;
  bool fence_in_flight_ = false;
  bool fence_passed_ = false;
};

}  // namespace iocpp::io_uring

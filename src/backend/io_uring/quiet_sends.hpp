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

/// Part of a port. One has succeeded when it was submitted, it ends while it is, and the ring has nothing left that
/// could say otherwise. Until then it waits.
class QuietSends {
 public:
  static constexpr std::size_t most = 512;

  std::size_t count() const noexcept { return count_; }
  bool wait() const noexcept { return wait_; }
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

  /// The kernel was entered, and has taken all that was posted or not.
  void entered(bool all_submitted) noexcept { submitted_ = (wait_ && submitted_) || all_submitted; }
  /// Entries were taken, and some are left or not. How many have ended: all of them, written to `told`, or none.
  std::size_t end(bool entries_left, std::span<core::Completion> told) noexcept {
    wait_ = !submitted_ || entries_left;
    if (wait_) return 0;
    std::copy_n(sends_.begin(), count_, told.begin());
    return std::exchange(count_, 0);
  }

 private:
  std::array<core::Completion, most> sends_;  // each as the completion that it will have
  std::size_t count_ = 0;
  bool submitted_ = false;
  bool wait_ = false;
};

}  // namespace iocpp::io_uring

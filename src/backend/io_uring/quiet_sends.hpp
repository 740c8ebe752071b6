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

/// Part of a port. One has succeeded when it was submitted, which ends it, and every entry was taken that was in the
/// ring by then and could say otherwise. Until then it waits.
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

  /// The kernel was entered, and so many entries were taken; `submitted`: it has nothing more to submit, and the ring
  /// has `left` and nothing that has overflowed. How many have ended: all of them, written to `told`, or none.
  std::size_t end(bool submitted, std::size_t taken, std::size_t left, std::span<core::Completion> told) noexcept {
    // What came after that says nothing of them, and does not put off their end.
    if (submitted_) {
      before_end_ -= std::min(before_end_, taken);
    } else {
      submitted_ = submitted;
      before_end_ = left;
    }
    wait_ = !submitted_ || before_end_ != 0;
    if (wait_) return 0;
    submitted_ = false;
    std::copy_n(sends_.begin(), count_, told.begin());
    return std::exchange(count_, 0);
  }

 private:
  std::array<core::Completion, most> sends_;  // each as the completion that it will have
  std::size_t count_ = 0;
  std::size_t before_end_ = 0;  // entries that may say that one has failed
  bool submitted_ = false;
  bool wait_ = false;
};

}  // namespace iocpp::io_uring

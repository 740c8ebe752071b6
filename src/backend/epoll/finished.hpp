// Operations that ended while they were posted, until the next wait tells.
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "core/completion.hpp"

namespace iocpp::epoll {

/// Two vectors that change places with every wait: one is filled while the other is being read. They grow to what a
/// turn needs at most, and keep it.
class Finished {
 public:
  /// So many completions of receives and accepts have room in each wait, however many others there are.
  static constexpr std::size_t batch = 512;

  /// False: no memory.
  bool open() noexcept {
    if (!reserve(0)) return false;
    next_.swap(told_);
    return reserve(0);
  }

  /// Room for `count` more completions that follow from posting. False: no memory.
  bool reserve(std::size_t count) noexcept {
    const std::size_t needed = next_.size() + count + batch;
    if (needed <= next_.capacity()) return true;
    try {
      next_.reserve(needed * 2);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  /// `reserve` was true.
  void push(const core::Completion& completion) noexcept {
    next_.push_back(completion);
    pushed_ = true;
  }
  /// Told with whatever the next wait tells, which may sleep.
  void push_quietly(const core::Completion& completion) noexcept { next_.push_back(completion); }

  /// Begins a wait: what has ended since the last one comes first.
  void begin_wait() noexcept {
    told_.clear();
    told_.swap(next_);
    limit_ = told_.size() + batch;
    telling_ = std::exchange(pushed_, false);
  }
  bool has_room() const noexcept { return told_.size() < limit_ && told_.size() < told_.capacity(); }
  void tell(const core::Completion& completion) noexcept { told_.push_back(completion); }
  /// The wait must not sleep.
  bool telling() const noexcept { return telling_; }
  std::span<const core::Completion> told() const noexcept { return told_; }

 private:
  std::vector<core::Completion> next_;
  std::vector<core::Completion> told_;
  std::size_t limit_ = 0;
  bool pushed_ = false;
  bool telling_ = false;
};

}  // namespace iocpp::epoll

// How many connections the shards of a server may have in all.
#pragma once

#include <atomic>
#include <cassert>
#include <cstddef>

namespace iocpp::core {

/// Shared by the shards; any thread. Taken before a slot is, given back when the slot's handle was closed.
class ConnectionLimit {
 public:
  explicit ConnectionLimit(std::size_t most) noexcept : most_{most} {}

  [[nodiscard]] bool take() noexcept {
    if (count_.fetch_add(1, std::memory_order_relaxed) < most_) return true;
    count_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  /// Also where there is no room: for who was accepted before that was known.
  void take_anyway() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  /// Before whoever waits for room is looked for (Loop::place_freed): the order of the two is what they rely on.
  void give_back() noexcept {
    [[maybe_unused]] const std::size_t before = count_.fetch_sub(1);
    assert(before != 0);
  }
  std::size_t taken() const noexcept { return count_.load(); }
  std::size_t room() const noexcept {
    const std::size_t count = count_.load();
    return count < most_ ? most_ - count : 0;
  }

 private:
  std::size_t most_;
  std::atomic<std::size_t> count_{0};
};

}  // namespace iocpp::core

// How many connections the shards of a server may have in all.
#pragma once

#include <atomic>
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
  void give_back() noexcept { count_.fetch_sub(1, std::memory_order_relaxed); }
  std::size_t taken() const noexcept { return count_.load(std::memory_order_relaxed); }

 private:
  std::size_t most_;
  std::atomic<std::size_t> count_{0};
};

}  // namespace iocpp::core

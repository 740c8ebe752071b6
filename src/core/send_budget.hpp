// How much memory the send queues of all shards may hold together.
#pragma once

#include <atomic>
#include <cstddef>

#include "base/cache_line.hpp"

namespace iocpp::core {

/// Shared by the shards; any thread. Given out in portions, so that the shared number is written once a portion and not
/// once a send.
class SendBudget {
 public:
  /// `most` bytes in all, for so many shards.
  SendBudget(std::size_t most, std::size_t shards) noexcept;

  [[nodiscard]] bool take(std::size_t bytes) noexcept;
  void give_back(std::size_t bytes) noexcept { taken_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::size_t most() const noexcept { return most_; }
  /// What a shard keeps for itself and does not use is less than two of these.
  std::size_t portion() const noexcept { return portion_; }

 private:
  std::size_t most_;
  std::size_t portion_;
  alignas(cache_line) std::atomic<std::size_t> taken_{0};
};

/// A shard's part of it; its own thread. Without a budget everything is allowed.
class SendShare {
 public:
  explicit SendShare(SendBudget* budget) noexcept : budget_{budget} {}
  ~SendShare();
  SendShare(const SendShare&) = delete;
  SendShare& operator=(const SendShare&) = delete;

  bool limited() const noexcept { return budget_ != nullptr; }
  /// For tests and the simulator.
  std::size_t used() const noexcept { return used_; }
  [[nodiscard]] bool take(std::size_t bytes) noexcept { return budget_ == nullptr || take_counted(bytes); }
  void give_back(std::size_t bytes) noexcept {
    if (budget_ != nullptr) give_back_counted(bytes);
  }

 private:
  bool take_counted(std::size_t bytes) noexcept;
  void give_back_counted(std::size_t bytes) noexcept;
  bool hold_more(std::size_t bytes) noexcept;
  void hold_less() noexcept;

  SendBudget* budget_;
  std::size_t held_ = 0;  ///< Taken from the budget ...
  std::size_t used_ = 0;  ///< ... and in queues.
};

}  // namespace iocpp::core

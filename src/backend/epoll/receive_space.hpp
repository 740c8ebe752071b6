// The memory that a turn's receives share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace iocpp::epoll {

/// Filled from its beginning in every turn, bytes after bytes, so that a turn with little input touches little memory.
/// What was taken is lent until `recycle`.
class ReceiveSpace {
 public:
  /// False: no memory.
  bool open(std::size_t bytes, std::size_t bytes_max) noexcept {
    size_max_ = std::max(bytes, bytes_max);
    used_ = 0;
    return resize(bytes);
  }

  bool has_room() const noexcept { return size_ - used_ >= least; }

  /// Where the next receive goes.
  std::span<std::byte> room(std::size_t most) noexcept {
    return {memory_.get() + used_, std::min(most, size_ - used_)};
  }
  void take(std::size_t bytes) noexcept { used_ += bytes; }

  /// It was too small: twice as much from the next `recycle` on, up to the maximum.
  void want_more() noexcept { grow_ = size_ < size_max_; }

  /// Nothing that was lent before may be read after it.
  void recycle() noexcept {
    used_ = 0;
    if (!grow_) return;
    grow_ = false;
    resize(std::min(size_ * 2, size_max_));  // without memory what there is must do: who waits is served next turn
  }

 private:
  static constexpr std::size_t least = 4096;  // smaller receives are not worth their call

  bool resize(std::size_t bytes) noexcept {
    std::unique_ptr<std::byte[]> memory{new (std::nothrow) std::byte[bytes]};
    if (memory == nullptr) return false;
    memory_ = std::move(memory);
    size_ = bytes;
    return true;
  }

  std::unique_ptr<std::byte[]> memory_;
  std::size_t size_ = 0;
  std::size_t size_max_ = 0;
  std::size_t used_ = 0;
  bool grow_ = false;
};

}  // namespace iocpp::epoll

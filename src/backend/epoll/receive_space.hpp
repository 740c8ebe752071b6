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
/// What was taken is lent until `recycle`; and until the one after that, where a send that reads from it has left some.
/// There are two, of which one as a rule is never touched.
class ReceiveSpace {
 public:
  /// False: no memory.
  bool open(std::size_t bytes, std::size_t bytes_max) noexcept {
    size_max_ = std::max(bytes, bytes_max);
    used_ = 0;
    return resize(bytes) && (swap(), resize(bytes));
  }

  bool has_room() const noexcept { return size_ - used_ >= least; }

  /// Where the next receive goes.
  std::span<std::byte> room(std::size_t most) noexcept {
    return {memory_.get() + used_, std::min(most, size_ - used_)};
  }
  void take(std::size_t bytes) noexcept { used_ += bytes; }

  /// It was too small: twice as much from the next `recycle` on, up to the maximum.
  void want_more() noexcept { grow_ = size_ < size_max_; }

  /// What is lent now may be read until the `recycle` after the next.
  void keep() noexcept { kept_ = true; }

  /// Nothing that was lent before may be read after it, unless it is kept.
  void recycle() noexcept {
    used_ = 0;
    if (std::exchange(kept_, false)) swap();
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

  void swap() noexcept {
    memory_.swap(other_);
    std::swap(size_, other_size_);
  }

  std::unique_ptr<std::byte[]> memory_;
  std::unique_ptr<std::byte[]> other_;
  std::size_t size_ = 0;
  std::size_t other_size_ = 0;
  std::size_t size_max_ = 0;
  std::size_t used_ = 0;
  bool grow_ = false;
  bool kept_ = false;
};

}  // namespace iocpp::epoll

// The handle table of the simulated process.
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/native_handle.hpp"
#include "simulator/pool.hpp"

namespace iocpp::simulator {

/// The lowest free number is given out first, and at once again, as POSIX has it (open(2)): an operation that still
/// means its last owner meets the next one. On Windows numbers are multiples of four.
class Handles {
 public:
  Handles(unsigned stride, std::size_t limit) : limit_{limit}, stride_{stride} {}

  bool full() const noexcept { return live_ >= limit_; }
  void set_limit(std::size_t limit) noexcept { limit_ = limit; }
  std::size_t live() const noexcept { return live_; }
  std::uint64_t opened() const noexcept { return opened_; }
  std::uint64_t closed() const noexcept { return closed_; }

  /// A handle for `socket`; the table is not full.
  NativeHandle open(std::uint32_t socket) {
    assert(!full());
    while (first_word_ < free_.size() && free_[first_word_] == 0) ++first_word_;
    if (first_word_ == free_.size()) {
      free_.push_back(~std::uint64_t{0});
      sockets_.resize(free_.size() * 64, no_index);
    }
    const auto bit = static_cast<std::size_t>(std::countr_zero(free_[first_word_]));
    free_[first_word_] &= free_[first_word_] - 1;
    const std::size_t index = first_word_ * 64 + bit;
    sockets_[index] = socket;
    ++live_;
    ++opened_;
    return static_cast<NativeHandle>((index + first_number) * stride_);
  }

  /// What the handle names, or `no_index`.
  std::uint32_t socket_of(NativeHandle handle) const noexcept {
    if (handle < 0 || static_cast<std::size_t>(handle) % stride_ != 0) return no_index;
    const std::size_t number = static_cast<std::size_t>(handle) / stride_;
    const std::size_t index = number - first_number;
    return number >= first_number && index < sockets_.size() ? sockets_[index] : no_index;
  }

  /// It names something, and something else from now on.
  void replace(NativeHandle handle, std::uint32_t socket) noexcept {
    assert(socket_of(handle) != no_index);
    sockets_[static_cast<std::size_t>(handle) / stride_ - first_number] = socket;
    ++opened_;
    ++closed_;
  }

  /// It names something.
  void close(NativeHandle handle) noexcept {
    assert(socket_of(handle) != no_index);
    const std::size_t index = static_cast<std::size_t>(handle) / stride_ - first_number;
    sockets_[index] = no_index;
    free_[index / 64] |= std::uint64_t{1} << (index % 64);
    first_word_ = index / 64 < first_word_ ? index / 64 : first_word_;
    --live_;
    ++closed_;
  }

 private:
  static constexpr std::size_t first_number = 3;  // after the standard streams

  std::vector<std::uint32_t> sockets_;
  std::vector<std::uint64_t> free_;
  std::size_t first_word_ = 0;
  std::size_t limit_;
  std::size_t live_ = 0;
  std::uint64_t opened_ = 0;
  std::uint64_t closed_ = 0;
  unsigned stride_;
};

}  // namespace iocpp::simulator

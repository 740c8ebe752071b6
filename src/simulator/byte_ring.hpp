// A queue of bytes that keeps its memory for the next connection.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

namespace iocpp::simulator {

class ByteRing {
 public:
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  void clear() noexcept { size_ = begin_ = 0; }

  void append(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    if (size_ + bytes.size() > room_) grow(size_ + bytes.size());
    const std::size_t at = (begin_ + size_) & (room_ - 1);
    const std::size_t first = std::min(bytes.size(), room_ - at);
    std::memcpy(memory_.get() + at, bytes.data(), first);
    if (first < bytes.size()) std::memcpy(memory_.get(), bytes.data() + first, bytes.size() - first);
    size_ += bytes.size();
  }

  /// Moves the oldest bytes to `to`.
  void take(std::byte* to, std::size_t count) noexcept {
    assert(count <= size_);
    if (count == 0) return;
    const std::size_t first = std::min(count, room_ - begin_);
    std::memcpy(to, memory_.get() + begin_, first);
    if (first < count) std::memcpy(to + first, memory_.get(), count - first);
    begin_ = (begin_ + count) & (room_ - 1);
    size_ -= count;
  }

  /// Takes back the newest bytes.
  void drop_newest(std::size_t count) noexcept {
    assert(count <= size_);
    size_ -= count;
  }

 private:
  void grow(std::size_t needed) {
    const std::size_t room = std::bit_ceil(std::max<std::size_t>(needed, 256));
    std::unique_ptr<std::byte[]> memory{new std::byte[room]};
    const std::size_t held = size_;
    take(memory.get(), size_);
    memory_ = std::move(memory);
    room_ = room;
    begin_ = 0;
    size_ = held;
  }

  std::unique_ptr<std::byte[]> memory_;
  std::size_t room_ = 0;
  std::size_t begin_ = 0;
  std::size_t size_ = 0;
};

}  // namespace iocpp::simulator

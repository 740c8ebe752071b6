// The receive buffers that a shard's connections share: which are the kernel's, which are lent to handlers, and when
// there are more.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "backend/io_uring/kernel.hpp"

namespace iocpp::io_uring {

/// A buffer is the kernel's from `publish` until a completion says that it is used up: whole with the classic ring,
/// piece by piece with the incremental one. Its pieces are lent until `recycle`, which gives all buffers that are used
/// up back to the kernel, but those that sends still read from.
template <class Sys>
class ReceiveBuffers {
 public:
  static constexpr std::uint16_t group = 0;

  /// Registers the ring, with `bytes` of buffers, growing to `bytes_max`. A negative errno, or 0.
  int open(Sys& sys, std::size_t bytes, std::size_t bytes_max) {
    incremental_ = true;
    if (int error = open_as(sys, bytes, bytes_max); error != -linux_errno_invalid) return error;
    incremental_ = false;  // a kernel before 6.12
    return open_as(sys, bytes, bytes_max);
  }

  /// Nothing is in flight, and how much of them the kernel has used is not known: it is given all of them again, by a
  /// ring anew, with the next `recycle`. A negative errno, to be tried again; or 0.
  int restart(Sys& sys) {
    sys.unregister_buffers(group);
    if (const int error = register_ring(sys); error != 0) return error;
    used_up_.clear();
    for (std::size_t id = 0; id < buffers_.size(); ++id) {
      buffers_[id].sends = 0;
      used_up_.push_back(static_cast<std::uint16_t>(id));
    }
    return 0;
  }

  static std::uint16_t id_of(const kernel::Entry& entry) noexcept {
    return static_cast<std::uint16_t>(entry.flags >> kernel::entry_buffer_shift);
  }

  /// The bytes of a completed receive. They stay until `recycle`.
  std::span<const std::byte> take(const kernel::Entry& entry) {
    const std::uint16_t id = id_of(entry);
    assert(id < buffers_.size());
    Buffer& buffer = buffers_[id];
    const auto size = entry.result > 0 ? static_cast<std::size_t>(entry.result) : 0;
    assert(buffer.used + size <= buffer_bytes_);
    const std::span<const std::byte> bytes{buffer.memory.get() + buffer.used, size};
    buffer.used += size;
    if (!incremental_ || (entry.flags & kernel::entry_buffer_more) == 0) used_up_.push_back(id);
    return bytes;
  }

  /// A send of the slot reads from the buffer, until `let_go`. False: there is no memory to note it.
  bool hold(std::uint16_t id, std::uint32_t slot) noexcept {
    try {
      if (slot >= held_by_.size()) held_by_.resize(std::max<std::size_t>(slot + 1, held_by_.size() * 2));
    } catch (const std::bad_alloc&) {
      return false;
    }
    held_by_[slot] = id;
    ++buffers_[id].sends;
    return true;
  }
  void let_go(std::uint32_t slot) noexcept {
    Buffer& buffer = buffers_[held_by_[slot]];
    assert(buffer.sends > 0);
    --buffer.sends;
  }

  /// Gives the kernel back what is used up and not held. Nothing else that was lent before may be read after it.
  void recycle(Sys& sys) {
    if (used_up_.empty()) return;
    std::size_t held = 0;
    unsigned given = 0;
    for (const std::uint16_t id : used_up_) {
      Buffer& buffer = buffers_[id];
      if (buffer.sends != 0) {
        used_up_[held++] = id;
        continue;
      }
      buffer.used = 0;
      sys.provide_buffer(buffer.memory.get(), buffer_bytes_, id, given++);
    }
    used_up_.resize(held);
    if (given != 0) sys.publish_buffers(given);
  }

  /// A receive found none: twice as many from now on, up to the maximum. They reach the kernel with the next `recycle`.
  void grow() noexcept {
    const std::size_t wanted = std::min(buffers_.size() * 2, count_max_);
    try {
      while (buffers_.size() < wanted) add_buffer();
    } catch (const std::bad_alloc&) {
      // What there is must do: the receive is posted again when buffers come back.
    }
  }

  std::size_t bytes() const noexcept { return buffers_.size() * buffer_bytes_; }

 private:
  static constexpr int linux_errno_invalid = 22;
  static constexpr std::size_t incremental_buffer_bytes = 256U << 10;
  static constexpr std::size_t classic_buffer_bytes = 8U << 10;
  static constexpr std::size_t ring_entries_max = 32'768;

  struct Buffer {
    std::unique_ptr<std::byte[]> memory;
    std::size_t used = 0;
    unsigned sends = 0;  ///< That read from it.
  };

  int open_as(Sys& sys, std::size_t bytes, std::size_t bytes_max) {
    buffer_bytes_ = std::min(incremental_ ? incremental_buffer_bytes : classic_buffer_bytes, bytes / 4);
    const std::size_t count = std::min(bytes / buffer_bytes_, ring_entries_max);
    count_max_ = std::clamp(bytes_max / buffer_bytes_, count, ring_entries_max);
    if (const int error = register_ring(sys); error != 0) return error;
    buffers_.clear();
    used_up_.clear();
    buffers_.reserve(count_max_);
    used_up_.reserve(count_max_);
    while (buffers_.size() < count) add_buffer();
    // Touched now: the kernel goes round all of them, and memory that grows for minutes would look like a leak.
    for (const Buffer& buffer : buffers_) std::memset(buffer.memory.get(), 0, buffer_bytes_);
    recycle(sys);
    return 0;
  }

  int register_ring(Sys& sys) const {
    return sys.register_buffers(static_cast<unsigned>(std::bit_ceil(count_max_)), group, incremental_);
  }

  void add_buffer() {
    buffers_.push_back({std::make_unique_for_overwrite<std::byte[]>(buffer_bytes_)});
    used_up_.push_back(static_cast<std::uint16_t>(buffers_.size() - 1));
  }

  std::vector<Buffer> buffers_;
  std::vector<std::uint16_t> used_up_;
  std::vector<std::uint16_t> held_by_;  // by slot: where its lent send reads
  std::size_t buffer_bytes_ = 0;
  std::size_t count_max_ = 0;
  bool incremental_ = false;
};

}  // namespace iocpp::io_uring

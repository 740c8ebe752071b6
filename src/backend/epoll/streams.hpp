// What the port knows of a shard's connections: which are registered, what is known of their readiness, and which are
// to be served next.
#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "core/slot.hpp"

namespace iocpp::epoll {

/// One connection. It belongs to the slot's generation: a slot that is used again begins anew here.
struct Stream {
  int descriptor = -1;
  std::uint32_t generation = 0;  ///< 0: never used.
  std::uint32_t next = 0;        ///< In the list of those to be served.
  bool watched : 1 = false;
  bool readable : 1 = false;    ///< A receive may find something. False: the kernel will tell when it does.
  bool to_the_end : 1 = false;  ///< A short receive does not mean that there is nothing more.
  bool writable : 1 = false;    ///< The same for sends that wait.
  bool receiving : 1 = false;   ///< A receive is in flight.
  bool sending : 1 = false;     ///< A send is in flight: it waits until it is writable.
  bool queued : 1 = false;
  bool closed : 1 = false;

  bool ready() const noexcept { return (receiving && readable) || (sending && writable); }
};

static_assert(sizeof(Stream) == 16, "beside the slot's 128 bytes");

/// All of a shard's, by slot index, in blocks that stay where they are; and a queue through those that are to be
/// served.
class Streams {
 public:
  /// The stream of a slot, as the operation that is being posted finds it. nullptr: no memory.
  Stream* of(core::SlotRef slot) noexcept {
    if (!grow(slot.index)) return nullptr;
    Stream& stream = at(slot.index);
    if (stream.generation != slot.generation) {
      assert(!stream.receiving && !stream.sending);
      // It may still be in the queue: it is passed over there.
      stream = {.descriptor = static_cast<int>(slot.handle),
                .generation = slot.generation,
                .next = stream.next,
                .queued = stream.queued};
    }
    return &stream;
  }

  /// The stream of an event or a cancel. nullptr: it is closed, and its slot may have another one by now.
  Stream* find(std::uint32_t index, std::uint32_t generation) noexcept {
    if (index / block_size >= blocks_.size()) return nullptr;
    Stream& stream = at(index);
    return stream.generation == generation && !stream.closed ? &stream : nullptr;
  }

  void enqueue(std::uint32_t index) noexcept {
    Stream& stream = at(index);
    if (stream.queued) return;
    stream.queued = true;
    stream.next = none;
    (first_ == none ? first_ : at(last_).next) = index;
    last_ = index;
  }

  /// The first of the queue, taken off it. There must be one.
  std::uint32_t dequeue() noexcept {
    const std::uint32_t index = first_;
    first_ = at(index).next;
    at(index).queued = false;
    return index;
  }

  bool any_queued() const noexcept { return first_ != none; }
  std::uint32_t last_queued() const noexcept { return last_; }
  Stream& at(std::uint32_t index) noexcept { return (*blocks_[index / block_size])[index % block_size]; }

 private:
  static constexpr std::uint32_t block_size = 256;
  static constexpr std::uint32_t none = UINT32_MAX;

  bool grow(std::uint32_t index) noexcept {
    try {
      while (index / block_size >= blocks_.size()) blocks_.push_back(std::make_unique<Block>());
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  using Block = std::array<Stream, block_size>;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::uint32_t first_ = none;
  std::uint32_t last_ = none;
};

}  // namespace iocpp::epoll

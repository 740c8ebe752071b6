// Receiving: an idle connection waits with a receive of zero bytes, which locks no memory; when there is something, it
// is read into a buffer that all connections of the shard share. With an option, it waits with a buffer of its own.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "backend/iocp/operation.hpp"
#include "base/native_codes.hpp"

namespace iocpp::iocp {

/// A slot's receive, from `start` to its terminal completion:
///
///     to_arm ── the next wait ──▶ armed (the system has it) ── its packet, or at once ──▶ readable ── a read ──▶
///     to_arm
///
/// It is armed lazily, so that one which a handler pauses or ends costs no call; and a read that did not fill its part
/// of the buffer has emptied the socket, so no second read has to say so.
///
/// One with a buffer of its own (`Options::posted_receive_bytes`) goes from armed back to to_arm with what the packet
/// brought, and becomes readable only where that filled the buffer. The buffer is the system's while it is armed, lent
/// to the handler until the next wait, and nobody's after that.
struct Receive : Operation {
  enum class Phase : std::uint8_t { idle, to_arm, armed, readable };
  Receive* next = nullptr;  ///< In the list of its phase.
  Phase phase = Phase::idle;
  bool cancelling = false;   ///< The next thing that happens to it is its terminal completion.
  bool nonblocking = false;  ///< Its socket is.
};

static_assert(sizeof(Receive) <= 64, "an idle connection has one cache line here");

class ReceiveList {
 public:
  void push(Receive& receive, Receive::Phase phase) noexcept {
    receive.phase = phase;
    receive.next = nullptr;
    (last_ == nullptr ? first_ : last_->next) = &receive;
    last_ = &receive;
  }
  Receive* pop() noexcept {
    Receive* receive = first_;
    if (receive == nullptr) return nullptr;
    first_ = receive->next;
    if (first_ == nullptr) last_ = nullptr;
    return receive;
  }
  bool empty() const noexcept { return first_ == nullptr; }

 private:
  Receive* first_ = nullptr;
  Receive* last_ = nullptr;
};

template <class Sys>
class Receives {
 public:
  static constexpr std::size_t read_bytes_max = 64U << 10;

  void open(std::size_t buffer_bytes, std::size_t posted_bytes, bool inline_success_posts_no_packet) {
    buffer_ = std::make_unique_for_overwrite<std::byte[]>(buffer_bytes);
    buffer_bytes_ = buffer_bytes;
    posted_bytes_ = posted_bytes;
    skips_ = inline_success_posts_no_packet;
  }

  /// False without memory.
  bool start(SlotRef slot) noexcept {
    Receive* receive = make(slot.index);
    if (receive == nullptr) return false;
    assert(receive->phase == Receive::Phase::idle);
    receive->nonblocking =
        receive->nonblocking && receive->handle == slot.handle && receive->generation == slot.generation;
    receive->start(Operation::Kind::receive, slot);
    receive->cancelling = false;
    to_arm_.push(*receive, Receive::Phase::to_arm);
    return true;
  }

  /// False: the system could not, for now.
  bool cancel(Sys& sys, SlotRef slot) noexcept {
    Receive* receive = of(slot.index);
    if (receive == nullptr || receive->phase == Receive::Phase::idle || receive->cancelling) return true;
    if (receive->phase == Receive::Phase::armed) {
      const int error = sys.cancel(receive->handle, &receive->overlapped);
      if (error != 0 && error != windows_error::not_found) return false;  // not found: its packet is in the port
    }
    receive->cancelling = true;
    return true;
  }

  bool in_flight(std::uint32_t slot) const noexcept {
    const Receive* receive = of(slot);
    return receive != nullptr && receive->phase != Receive::Phase::idle;
  }
  /// The next wait need not sleep. (Those to be armed are there after `arm` only where memory was short.)
  bool any_ready() const noexcept { return !readable_.empty() || !to_arm_.empty(); }

  /// What was lent before is not read any more.
  void recycle() noexcept { used_ = 0; }

  /// Hands the system those that wait to be armed; how many it has taken.
  std::size_t arm(Sys& sys, Completions& completions) {
    std::size_t taken = 0;
    // Not those that come back in here with bytes in their buffer: these are lent until the next wait.
    ReceiveList waiting = std::exchange(to_arm_, {});
    while (Receive* receive = waiting.pop()) {
      if (!has_room(completions, 2)) {
        to_arm_.push(*receive, Receive::Phase::to_arm);
        continue;
      }
      if (receive->cancelling) {
        end(*receive, windows_error::operation_aborted, completions);
        continue;
      }
      receive->phase = Receive::Phase::armed;
      receive->overlapped = {};
      std::uint32_t received = 0;
      // Only asked for where there is no packet to say it: see Port::send.
      const int error =
          sys.receive(receive->handle, own_buffer(*receive), skips_ ? &received : nullptr, receive->overlapped);
      if (error == 0 && skips_) {
        arrived(*receive, received, completions);
      } else if (error == 0 || error == kernel::io_pending) {
        ++taken;
      } else {
        end(*receive, error, completions);
      }
    }
    return taken;
  }

  /// Its packet was dequeued. A cancel that came too late loses nothing: bytes that are in the socket stay there for
  /// the next receive, those that are in its buffer are told.
  void fired(Receive& receive, int error, std::uint32_t bytes, Completions& completions) {
    assert(receive.phase == Receive::Phase::armed);
    if (error != 0) return end(receive, error, completions);
    arrived(receive, bytes, completions);
  }

  /// Reads, in turn, from those that have something, as far as the buffer goes. Who has more than a read takes goes to
  /// the end of the line.
  void read(Sys& sys, Completions& completions) {
    while (buffer_bytes_ - used_ >= read_bytes_min && has_room(completions, 1)) {
      Receive* receive = readable_.pop();
      if (receive == nullptr) return;
      read(sys, *receive, completions);
    }
  }

  template <class Each>
  void for_each_armed(Each&& each) {
    for (const std::unique_ptr<Receive[]>& chunk : chunks_) {
      for (Receive& receive : std::span{chunk.get(), chunk_size}) {
        if (receive.phase == Receive::Phase::armed) each(receive);
      }
    }
  }

 private:
  static constexpr std::size_t chunk_size = 256;
  static constexpr std::size_t read_bytes_min = 4U << 10;

  Receive* of(std::uint32_t slot) const noexcept {
    return slot / chunk_size < chunks_.size() ? &chunks_[slot / chunk_size][slot % chunk_size] : nullptr;
  }

  Receive* make(std::uint32_t slot) noexcept {
    try {
      while (slot / chunk_size >= chunks_.size()) chunks_.push_back(std::make_unique<Receive[]>(chunk_size));
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    if (posted_bytes_ != 0) make_own_buffer(slot);
    return of(slot);
  }

  /// Without memory for it, the receive waits with none.
  void make_own_buffer(std::uint32_t slot) noexcept {
    try {
      if (slot >= own_buffers_.size()) own_buffers_.resize(std::max<std::size_t>(slot + 1, own_buffers_.size() * 2));
      if (own_buffers_[slot] == nullptr)
        own_buffers_[slot] = std::make_unique_for_overwrite<std::byte[]>(posted_bytes_);
    } catch (const std::bad_alloc&) {
    }
  }

  std::span<std::byte> own_buffer(const Receive& receive) const noexcept {
    if (receive.target >= own_buffers_.size() || own_buffers_[receive.target] == nullptr) return {};
    return {own_buffers_[receive.target].get(), posted_bytes_};
  }

  /// What it waited for is there: in its own buffer, if it has one.
  void arrived(Receive& receive, std::uint32_t bytes, Completions& completions) {
    const std::span<std::byte> room = own_buffer(receive);
    if (!room.empty() && bytes == 0) return end(receive, 0, completions);
    if (!room.empty()) received(receive, room.first(bytes), completions);
    if (receive.cancelling) return end(receive, windows_error::operation_aborted, completions);
    if (room.empty() || bytes == room.size()) {
      readable_.push(receive, Receive::Phase::readable);
    } else {
      to_arm_.push(receive, Receive::Phase::to_arm);
    }
  }

  /// Before its first read: should there be nothing after all, that must not block the shard. With buffers of its own a
  /// connection may never need one.
  static int make_nonblocking(Sys& sys, Receive& receive) {
    const int error = receive.nonblocking ? 0 : sys.set_nonblocking(receive.handle);
    receive.nonblocking = error == 0;
    return error;
  }

  void received(const Receive& receive, std::span<std::byte> bytes, Completions& completions) {
    Completion completion = receive.completion(engine::Operation::receive, 0);
    completion.more = true;
    completion.bytes = static_cast<std::uint32_t>(bytes.size());
    completion.received = bytes.data();
    completions.push_back(completion);
  }

  void end(Receive& receive, int error, Completions& completions) {
    receive.phase = Receive::Phase::idle;
    completions.push_back(receive.completion(engine::Operation::receive, error));
  }

  void read(Sys& sys, Receive& receive, Completions& completions) {
    if (receive.cancelling) return end(receive, windows_error::operation_aborted, completions);
    if (const int error = make_nonblocking(sys, receive); error != 0) return end(receive, error, completions);
    const std::span<std::byte> room{buffer_.get() + used_, std::min(buffer_bytes_ - used_, read_bytes_max)};
    std::uint32_t bytes = 0;
    const int error = sys.receive_now(receive.handle, room, bytes);
    if (error == windows_error::wsaewouldblock) return to_arm_.push(receive, Receive::Phase::to_arm);
    if (error != 0 || bytes == 0) return end(receive, error, completions);
    received(receive, room.first(bytes), completions);
    used_ += bytes;
    if (bytes == room.size()) {
      readable_.push(receive, Receive::Phase::readable);
    } else {
      to_arm_.push(receive, Receive::Phase::to_arm);
    }
  }

  std::vector<std::unique_ptr<Receive[]>> chunks_;
  std::vector<std::unique_ptr<std::byte[]>> own_buffers_;  // by slot, made at its first receive
  ReceiveList to_arm_;
  ReceiveList readable_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t buffer_bytes_ = 0;
  std::size_t used_ = 0;
  std::size_t posted_bytes_ = 0;
  bool skips_ = false;
};

}  // namespace iocpp::iocp

// Receiving: an idle connection waits with a receive of zero bytes, which locks no memory; when there is something, it
// is read into a buffer that all connections of the shard share.
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
struct Receive : Operation {
  enum class Phase : std::uint8_t { idle, to_arm, armed, readable };
  Receive* next = nullptr;  ///< In the list of its phase.
  Phase phase = Phase::idle;
  bool cancelling = false;  ///< The next thing that happens to it is its terminal completion.
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

  void open(std::size_t buffer_bytes, bool inline_success_posts_no_packet) {
    buffer_ = std::make_unique_for_overwrite<std::byte[]>(buffer_bytes);
    buffer_bytes_ = buffer_bytes;
    skips_ = inline_success_posts_no_packet;
  }

  /// False without memory.
  bool start(SlotRef slot) noexcept {
    Receive* receive = make(slot.index);
    if (receive == nullptr) return false;
    assert(receive->phase == Receive::Phase::idle);
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
  bool any_readable() const noexcept { return !readable_.empty(); }

  /// What was lent before is not read any more.
  void recycle() noexcept { used_ = 0; }

  /// Hands the system those that wait to be armed; how many it has taken.
  std::size_t arm(Sys& sys, Completions& completions) {
    std::size_t taken = 0;
    while (Receive* receive = to_arm_.pop()) {
      if (receive->cancelling) {
        end(*receive, windows_error::operation_aborted, completions);
        continue;
      }
      receive->phase = Receive::Phase::armed;
      receive->overlapped = {};
      const int error = sys.receive_nothing(receive->handle, receive->overlapped);
      if (error == 0 && skips_) {
        readable_.push(*receive, Receive::Phase::readable);
      } else if (error == 0 || error == kernel::io_pending) {
        ++taken;
      } else {
        end(*receive, error, completions);
      }
    }
    return taken;
  }

  /// Its packet was dequeued. A cancel that came too late takes nothing: the bytes stay in the socket for the next
  /// receive.
  void fired(Receive& receive, int error, Completions& completions) {
    assert(receive.phase == Receive::Phase::armed);
    if (error != 0) return end(receive, error, completions);
    if (receive.cancelling) return end(receive, windows_error::operation_aborted, completions);
    readable_.push(receive, Receive::Phase::readable);
  }

  /// Reads, in turn, from those that have something, as far as the buffer goes. Who has more than a read takes goes to
  /// the end of the line.
  void read(Sys& sys, Completions& completions) {
    while (buffer_bytes_ - used_ >= read_bytes_min) {
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
    return of(slot);
  }

  void end(Receive& receive, int error, Completions& completions) {
    receive.phase = Receive::Phase::idle;
    completions.push_back(receive.completion(engine::Operation::receive, error));
  }

  void read(Sys& sys, Receive& receive, Completions& completions) {
    if (receive.cancelling) return end(receive, windows_error::operation_aborted, completions);
    const std::span<std::byte> room{buffer_.get() + used_, std::min(buffer_bytes_ - used_, read_bytes_max)};
    std::uint32_t received = 0;
    const int error = sys.receive_now(receive.handle, room, received);
    if (error == windows_error::wsaewouldblock) return to_arm_.push(receive, Receive::Phase::to_arm);
    if (error != 0 || received == 0) return end(receive, error, completions);
    Completion completion = receive.completion(engine::Operation::receive, 0);
    completion.more = true;
    completion.bytes = received;
    completion.received = room.data();
    completions.push_back(completion);
    used_ += received;
    if (received == room.size()) {
      readable_.push(receive, Receive::Phase::readable);
    } else {
      to_arm_.push(receive, Receive::Phase::to_arm);
    }
  }

  std::vector<std::unique_ptr<Receive[]>> chunks_;
  ReceiveList to_arm_;
  ReceiveList readable_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t buffer_bytes_ = 0;
  std::size_t used_ = 0;
  bool skips_ = false;
};

}  // namespace iocpp::iocp

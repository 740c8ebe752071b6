// One connection's state: two cache lines, no heap while it is idle.
#pragma once

#include <cassert>
#include <cstdint>

#include "base/native_handle.hpp"
#include "core/byte_queue.hpp"
#include "core/timer_queue.hpp"
#include "iocpp/connection.hpp"

namespace iocpp::core {

class Stage;

/// A slot as the backend sees it: where a completion belongs, and which handle to use.
struct SlotRef {
  std::uint32_t index;
  std::uint32_t generation;
  NativeHandle handle;
};

/// What arrived while receiving was paused. Made when the first such bytes come, kept until they are delivered.
struct Stash {
  ByteQueue bytes;
};

enum class SlotState : std::uint8_t {
  free,       ///< In the table's free list.
  preparing,  ///< A stage reads its first bytes; the handler does not know of it.
  open,       ///< The handler has it.
  flushing,   ///< close(): what is queued is still leaving.
  lingering,  ///< close(): our end was sent; the peer's is awaited, and input discarded.
  ending,     ///< Over: waits for the operations in flight to end.
  closing,    ///< on_disconnect was called; the handle's close is posted, or about to be.
};

/// What a connection is to the drain.
enum class DrainPart : std::uint8_t {
  none,   ///< Not counted by it, or not any more.
  waits,  ///< on_drain is owed: after the next bytes, or when the drain's patience ends.
  idle,   ///< It was in no message and had nothing to send, and has nothing since.
  busy,
};

/// Who may touch what: everything here belongs to the shard's thread. While `send_in_flight`, the system reads the
/// first `send_in_flight_bytes` of `send_queue`, so they are not consumed before the send's terminal completion. What
/// is `lent` is the port's: read by a send of this turn, or in the turn in which that ended, or not any more. The slot
/// is reused only after both operations and the close have ended.
struct Slot : Timer {
  bool dirty : 1 = false;  ///< In the core's list, or being settled: to be looked at before the next wait.
  bool receive_in_flight : 1 = false;
  bool receive_cancelling : 1 = false;  ///< The cancel is posted; the receive's terminal completion is awaited.
  bool receive_starved : 1 = false;  ///< The system had no buffers for it; waits in the core's list to be tried again.
  bool send_in_flight : 1 = false;
  bool send_cancelling : 1 = false;
  bool send_starved : 1 = false;
  bool lent : 1 = false;  ///< The send queue begins with bytes that lie in a receive buffer.
  bool close_in_flight : 1 = false;
  bool paused_by_user : 1 = false;
  bool paused_by_pressure : 1 = false;  ///< The send queue is above its high watermark.
  bool resuming : 1 = false;            ///< What is stashed is to be delivered.
  bool peer_ended : 1 = false;          ///< The peer's end of stream has arrived ...
  bool peer_end_told : 1 = false;       ///< ... and the handler was told.
  bool end_requested : 1 = false;       ///< shutdown_send(): end our stream when the queue is empty.
  bool end_sent : 1 = false;            ///< ... and it was ended.
  bool above_high : 1 = false;          ///< on_writable is owed.
  bool reset : 1 = false;               ///< Close with a reset.
  bool discarded_enough : 1 = false;    ///< While flushing: no more input is read, until everything has left.
  bool timed_out : 1 = false;           ///< close()'s deadline was over before everything was sent.
  DrainPart drain_part : 2 = DrainPart::none;
  bool send_quiet : 1 = false;  ///< The send in flight ends before the next wait does, and wakes nobody if it succeeds.
  bool send_fell_short : 1 = false;  ///< A quiet one had too little room: the next one waits for it.

  SlotState state = SlotState::free;
  DisconnectReason reason : 4 = DisconnectReason::local_close;
  bool in_message : 1 = false;           ///< begin_message() was called, and no end_message() since.
  bool close_after_message : 1 = false;  ///< ... and when it ends the slot's timer closes.
  std::uint16_t listener = 0;
  std::uint32_t index = 0;
  std::uint32_t generation = 1;
  int error = 0;  ///< The native error that ended it.
  std::uint32_t send_in_flight_bytes = 0;
  std::uint32_t lingered_bytes = 0;
  std::uint32_t place = 0;  ///< The gate's, of its peer's address.
  NativeHandle handle = no_handle;
  ByteQueue send_queue;
  Slot* dirty_next = nullptr;
  Stash* stash = nullptr;
  Stage* stage = nullptr;  ///< Owned, until the handle is closed. Null but where a proxy is in front.
  void* context = nullptr;
  const void* context_type = nullptr;

  SlotRef ref() const noexcept { return {index, generation, handle}; }
  bool paused() const noexcept { return paused_by_user || paused_by_pressure; }
  bool stashed() const noexcept { return stash != nullptr || (peer_ended && !peer_end_told); }
  bool alive() const noexcept {
    return state == SlotState::open || state == SlotState::flushing || state == SlotState::lingering ||
           state == SlotState::preparing;
  }

  // What the engine is to post.
  bool wants_receive() const noexcept {
    if (receive_in_flight || peer_ended || receive_starved) return false;
    if (state == SlotState::open) return !paused() && stash == nullptr;
    return (state == SlotState::flushing && !discarded_enough) || state == SlotState::lingering ||
           state == SlotState::preparing;
  }
  bool wants_receive_cancel() const noexcept {
    if (!receive_in_flight || receive_cancelling) return false;
    if (state == SlotState::flushing) return discarded_enough;
    return state == SlotState::ending || (state == SlotState::open && paused());
  }
  bool wants_send() const noexcept {
    return !send_in_flight && !send_starved && !send_queue.empty() &&
           (state == SlotState::open || state == SlotState::flushing);
  }
  bool wants_send_cancel() const noexcept {
    return state == SlotState::ending && send_in_flight && !send_quiet && !send_cancelling;
  }
  /// Something is to be done when the quiet send has ended: the next wait must not sleep.
  bool hurries() const noexcept {
    return send_quiet && (state != SlotState::open || end_requested || send_queue.size() != send_in_flight_bytes);
  }
  bool wants_end() const noexcept {
    return end_requested && !end_sent && !send_in_flight && send_queue.empty() &&
           (state == SlotState::open || state == SlotState::lingering);
  }
  bool wants_close() const noexcept { return state == SlotState::closing && !close_in_flight; }

  void receive_posted() noexcept {
    assert(!receive_in_flight);
    receive_in_flight = true;
    receive_cancelling = false;
  }
  void send_posted(std::size_t bytes) noexcept {
    assert(!send_in_flight && bytes != 0);
    send_in_flight = true;
    send_cancelling = false;
    send_in_flight_bytes = static_cast<std::uint32_t>(bytes);
  }
  void close_posted() noexcept {
    assert(!receive_in_flight && !send_in_flight && !close_in_flight);
    close_in_flight = true;
  }
};

static_assert(static_cast<unsigned>(DisconnectReason::stage_failed) < 16);
static_assert(sizeof(Slot) <= 128, "an idle connection is two cache lines");

}  // namespace iocpp::core

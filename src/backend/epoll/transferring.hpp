// Receives and sends of connections, and their end. Part of port.hpp.
#pragma once

#include "backend/epoll/port.hpp"

namespace iocpp::epoll {

template <class Sys>
int Port<Sys>::watch(std::uint32_t index, Stream& stream) noexcept {
  if (stream.watched) return 0;
  constexpr std::uint32_t everything =
      kernel::readable | kernel::writable | kernel::peer_hang_up | kernel::urgent | kernel::edge_triggered;
  const int error = sys_.watch(stream.descriptor, everything, user_of(Tag::stream, index, stream.generation));
  stream.watched = error >= 0;
  return error;
}

/// What came before the registration is an edge of its own, so a new connection is not asked in vain (epoll_ctl(2)).
template <class Sys>
bool Port<Sys>::receive(SlotRef slot) {
  Stream* stream = streams_.of(slot);
  if (stream == nullptr || !finished_.reserve(1)) return false;
  assert(!stream->receiving && !stream->closed);
  if (const int error = watch(slot.index, *stream); error < 0) {
    finished_.push(completion(Operation::receive, slot.index, slot.generation, error));
    return true;
  }
  stream->receiving = true;
  ++in_flight_;
  if (stream->readable) streams_.enqueue(slot.index);
  return true;
}

template <class Sys>
bool Port<Sys>::cancel_receive(SlotRef slot) {
  Stream* stream = streams_.find(slot.index, slot.generation);
  if (stream == nullptr || !stream->receiving) return true;
  if (!finished_.reserve(1)) return false;
  stream->receiving = false;
  --in_flight_;
  finished_.push(completion(Operation::receive, slot.index, slot.generation, -linux_errno::canceled));
  return true;
}

template <class Sys>
bool Port<Sys>::send(SlotRef slot, std::span<const core::Buffer> buffers) {
  Stream* stream = streams_.of(slot);
  if (stream == nullptr || !finished_.reserve(1)) return false;
  const int sent = send_now(*stream, buffers);
  if (sent == -linux_errno::again) return wait_until_writable(slot.index, *stream, buffers);
  finished_.push(completion(Operation::send, slot.index, slot.generation, sent));
  return true;
}

template <class Sys>
int Port<Sys>::send_now(const Stream& stream, std::span<const core::Buffer> buffers) noexcept {
  assert(!stream.sending && !stream.closed && !buffers.empty());
  if (buffers.size() == 1) return sys_.send(stream.descriptor, buffers[0].bytes, buffers[0].size);
  return sys_.send_gathered(stream.descriptor, {.buffers = buffers.data(), .buffer_count = buffers.size()});
}

/// The whole space is one buffer. What is left of the bytes is copied when the completion has come.
template <class Sys>
bool Port<Sys>::send_lent(SlotRef slot, std::span<const core::Buffer> buffers, std::uint16_t) {
  const Stream* stream = streams_.of(slot);
  if (stream == nullptr || !finished_.reserve(1)) return false;
  const int sent = send_now(*stream, buffers);
  if (sent < 0 || static_cast<std::size_t>(sent) < buffers[0].size) space_.keep();
  finished_.push(completion(Operation::send, slot.index, slot.generation, sent));
  return true;
}

template <class Sys>
bool Port<Sys>::send_quietly(SlotRef slot, core::Buffer buffer) {
  const Stream* stream = streams_.of(slot);
  if (stream == nullptr || !finished_.reserve(1)) return false;
  const int sent = send_now(*stream, {&buffer, 1});
  const Completion ended = completion(Operation::send, slot.index, slot.generation, sent);
  if (sent >= 0 && static_cast<std::size_t>(sent) == buffer.size) {
    finished_.push_quietly(ended);
  } else {
    finished_.push(ended);
  }
  return true;
}

template <class Sys>
bool Port<Sys>::wait_until_writable(std::uint32_t index, Stream& stream, std::span<const core::Buffer> buffers) {
  if (const int error = watch(index, stream); error < 0) {
    finished_.push(completion(Operation::send, index, stream.generation, error));
    return true;
  }
  if (sends_.start(index, buffers) == nullptr) {
    finished_.push(completion(Operation::send, index, stream.generation, -linux_errno::nomem));
    return true;
  }
  stream.writable = false;
  stream.sending = true;
  ++in_flight_;
  return true;
}

template <class Sys>
bool Port<Sys>::cancel_send(SlotRef slot) {
  Stream* stream = streams_.find(slot.index, slot.generation);
  if (stream == nullptr || !stream->sending) return true;
  if (!finished_.reserve(1)) return false;
  sends_.ended(slot.index);
  stream->sending = false;
  --in_flight_;
  finished_.push(completion(Operation::send, slot.index, slot.generation, -linux_errno::canceled));
  return true;
}

/// The registration goes with the last descriptor of the socket, without a call of its own (epoll(7), question 6).
template <class Sys>
bool Port<Sys>::close(SlotRef slot, bool reset) {
  Stream* stream = streams_.of(slot);
  if (stream == nullptr || !finished_.reserve(1)) return false;
  assert(!stream->receiving && !stream->sending && !stream->closed);
  if (reset) sys_.reset_on_close(stream->descriptor);
  const int result = sys_.close(stream->descriptor);
  stream->descriptor = -1;
  stream->closed = true;
  finished_.push(completion(Operation::close, slot.index, slot.generation, result));
  return true;
}

template <class Sys>
void Port<Sys>::close_now(NativeHandle handle, bool reset) noexcept {
  unwatch_listener(descriptor(handle));
  if (reset) sys_.reset_on_close(descriptor(handle));
  sys_.close_now(descriptor(handle));
}

/// Each once, in turn: who has more goes to the end. Where memory or completions run out, the others stay before it,
/// and the next wait does not sleep.
template <class Sys>
void Port<Sys>::serve_streams() noexcept {
  if (!streams_.any_queued()) return;
  const std::uint32_t last = streams_.last_queued();
  for (std::uint32_t index = ~last; index != last;) {
    if (!finished_.has_room()) return;
    if (!space_.has_room()) {
      counters_->receive_buffers_empty.add();
      return space_.want_more();
    }
    index = streams_.dequeue();
    serve(index);
  }
}

template <class Sys>
void Port<Sys>::serve(std::uint32_t index) noexcept {
  Stream& stream = streams_.at(index);
  if (stream.sending && stream.writable) send_waiting(index, stream);
  if (stream.receiving && stream.readable) receive_some(index, stream);
  if (stream.ready()) streams_.enqueue(index);
}

/// A receive that did not fill its room has emptied the socket: what comes later is a new edge (epoll(7), question 9).
/// Unless the stream's end is known to be near: it is not told again.
template <class Sys>
void Port<Sys>::receive_some(std::uint32_t index, Stream& stream) noexcept {
  std::size_t budget = bytes_a_turn;
  for (unsigned count = 0; count < receives_a_turn && budget != 0; ++count) {
    if (!finished_.has_room() || !space_.has_room()) return;
    const std::span<std::byte> room = space_.room(budget);
    const int result = sys_.receive(stream.descriptor, room.data(), room.size());
    if (result <= 0) return received_nothing(index, stream, result);
    Completion told = completion(Operation::receive, index, stream.generation, result);
    told.more = true;
    told.received = room.data();
    finished_.tell(told);
    const auto size = static_cast<std::size_t>(result);
    space_.take(size);
    budget -= size;
    if (size < room.size() && !stream.to_the_end) {
      stream.readable = false;
      return;
    }
  }
}

template <class Sys>
void Port<Sys>::received_nothing(std::uint32_t index, Stream& stream, int result) noexcept {
  if (result == -linux_errno::again) {
    stream.readable = stream.to_the_end = false;
    return;
  }
  // The end or an error. The next receive, if there is one, finds out for itself.
  stream.receiving = false;
  --in_flight_;
  finished_.tell(completion(Operation::receive, index, stream.generation, result));
}

template <class Sys>
void Port<Sys>::send_waiting(std::uint32_t index, Stream& stream) noexcept {
  const int sent = sys_.send_gathered(stream.descriptor, sends_.header(index));
  if (sent == -linux_errno::again) {
    stream.writable = false;
    return;
  }
  sends_.ended(index);
  stream.sending = false;
  --in_flight_;
  finished_.tell(completion(Operation::send, index, stream.generation, sent));
}

}  // namespace iocpp::epoll

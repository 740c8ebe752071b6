// What the simulated io_uring does with an operation that was submitted, until its last entry is queued.
#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/native_codes.hpp"
#include "core/byte_queue.hpp"
#include "simulator/bytes_hash.hpp"
#include "simulator/io_uring_sys.hpp"

namespace iocpp::simulator {

namespace kernel = io_uring::kernel;
using io_uring::kernel::SendWay;

namespace {

std::span<const core::Buffer> parts_of(const posix::MessageHeader& header) noexcept {
  return {static_cast<const core::Buffer*>(header.buffers), header.buffer_count};
}

}  // namespace

void IoUringSys::start(const Operation& posted) {
  if (posted.kind == Kind::cancel) return start_cancel(posted);
  const std::uint32_t index = operations_.take();
  Operation& operation = operations_[index];
  const std::uint32_t generation = operation.generation;
  operation = posted;
  operation.generation = generation;
  std::uint32_t& bucket = buckets_[bucket_of(posted.user)];
  operation.in_bucket = bucket;
  bucket = index;
  if (operation.kind == Kind::doorbell) {
    doorbell_ = index;
    has_something();
    return;
  }
  // What a kernel does not know it refuses as it reads the submission, before any of it is tried.
  const Habits& habits = machine_.habits;
  if (operation.multishot && !(operation.kind == Kind::accept ? habits.multishot_accept : habits.multishot_receive)) {
    if (operation.kind == Kind::accept) machine_.accept_fell_short(loop_, false);
    return finish(index, -linux_errno::inval);
  }
  operation.socket = machine_.network.index_of(operation.handle);
  if (operation.socket == no_index) return finish(index, -linux_errno::badf);
  machine_.network.hold(operation.socket);
  if (operation.kind != Kind::close) {
    if (const int error = attach(index); error != 0) return finish(index, -error);
  }
  if (operation.way != SendWay::waits || machine_.streams.kernel.below(8) < machine_.habits.inline_of_8)
    return step(index);
  later(index);
}

/// Between an operation and its socket. A number that was closed and given out again may name something of another
/// kind, or of another loop, by now.
int IoUringSys::attach(std::uint32_t index) {
  Operation& operation = operations_[index];
  Socket& socket = machine_.network.socket(operation.socket);
  const bool listens = operation.kind == Kind::accept || operation.kind == Kind::poll;
  if (listens && socket.kind != Socket::Kind::listener)
    return socket.kind == Socket::Kind::stream ? linux_errno::inval : linux_errno::notsock;
  if (!listens && socket.kind != Socket::Kind::stream) return linux_errno::notconn;
  // A listener's number that was lost, and is another loop's by now, while accepts of the first are on their way. A
  // socket has one loop here: who comes second is to try again, since the number is a handle and must not be taken for
  // none.
  if (socket.first_operation != no_index && socket.observer != this)
    return listens ? linux_errno::nomem : linux_errno::badf;
  socket.observer = this;
  operation.next = socket.first_operation;
  socket.first_operation = index;
  operation.attached = true;
  return 0;
}

void IoUringSys::later(std::uint32_t index) {
  machine_.step_later(loop_, index, operations_[index]);
}

void IoUringSys::changed(std::uint32_t socket) {
  for (std::uint32_t at = machine_.network.socket(socket).first_operation; at != no_index; at = operations_[at].next) {
    if (ready(operations_[at])) later(at);
  }
}

bool IoUringSys::ready(const Operation& operation) {
  const Socket& socket = machine_.network.socket(operation.socket);
  switch (operation.kind) {
    case Kind::accept:
    case Kind::poll:
      return socket.waiting != 0;
    case Kind::receive:
      return has_input(machine_.network.link_of(socket));
    case Kind::send:
    case Kind::gathered_send: {
      const Link& link = machine_.network.link_of(socket);
      return link.to_peer.room() != 0 || link.reset_at_server;
    }
    case Kind::cancel:
    case Kind::close:
    case Kind::doorbell:
      break;
  }
  return false;
}

void IoUringSys::step(std::uint32_t index, std::uint32_t generation) {
  if (operations_[index].generation != generation) return;
  operations_[index].stepping = false;
  step(index);
}

void IoUringSys::step(std::uint32_t index) {
  Operation& operation = operations_[index];
  if (operation.cancelled && !(ready(operation) && machine_.happens(Site::cancel_late)))
    return finish(index, -linux_errno::canceled);
  switch (operation.kind) {
    case Kind::accept:
      return step_accept(index);
    case Kind::poll:
      return step_poll(index);
    case Kind::receive:
      return step_receive(index);
    case Kind::send:
    case Kind::gathered_send:
      return step_send(index);
    case Kind::close:
      machine_.note(What::closed, static_cast<std::uint32_t>(operation.handle));
      if (machine_.network.close(operation.handle)) return finish(index, 0);
      machine_.violate(6, "a handle is closed that is none");
      return finish(index, -linux_errno::badf);
    case Kind::cancel:
    case Kind::doorbell:
      return;
  }
}

/// One entry. What has ended may be forgotten by the kernel: its memory is its owner's again.
void IoUringSys::finish(std::uint32_t index, int result, std::uint32_t flags) {
  Operation& operation = operations_[index];
  const std::uint64_t user = operation.user;
  const Kind kind = operation.kind;
  const bool quiet = operation.way == SendWay::quiet && result == static_cast<int>(operation.size);
  std::uint32_t* link = &buckets_[bucket_of(user)];
  while (*link != index) link = &operations_[*link].in_bucket;
  *link = operation.in_bucket;
  if (operation.socket != no_index) {
    if (operation.attached) {
      std::uint32_t* at = &machine_.network.socket(operation.socket).first_operation;
      while (*at != index) at = &operations_[*at].next;
      *at = operation.next;
    }
    machine_.network.let_go(operation.socket);
  }
  operations_.release(index);
  if (!quiet && !loses_entry(kind, result)) complete({user, result, flags});
}

/// The ring is full, and there is no memory to keep an entry in. Who was accepted with it has a handle
/// that nobody knows of: here, that is closed.
bool IoUringSys::loses_entry(Kind kind, int result) {
  const bool overflows = ready_.size() - ready_taken_ >= completion_entries_ || !overflow_.empty();
  if (!overflows || machine_.has_closed_listeners || !machine_.happens(Site::entry_lost)) return false;
  ++lost_;
  machine_.loop_loses(loop_, true);
  if (kind != Kind::accept || result < 0) return true;
  reset_on_close(result);
  machine_.network.close(result);
  return true;
}

void IoUringSys::more(std::uint32_t index, int result, std::uint32_t flags) {
  complete({operations_[index].user, result, flags | kernel::entry_more});
  const Operation& operation = operations_[index];
  if (operation.cancelled || ready(operation)) later(index);
}

void IoUringSys::step_accept(std::uint32_t index) {
  const Operation& operation = operations_[index];
  const int accepted = accept_from(operation.socket, true);
  if (accepted == -linux_errno::again) return;
  const bool goes_on = accepted >= 0 && operation.multishot && !machine_.happens(Site::accept_ends);
  if (!goes_on) return finish(index, accepted);
  more(index, accepted, 0);
}

void IoUringSys::step_poll(std::uint32_t index) {
  if (machine_.network.socket(operations_[index].socket).waiting != 0) finish(index, 1);
}

/// A buffer is chosen before the socket is looked at, so an empty ring ends the receive at once.
void IoUringSys::step_receive(std::uint32_t index) {
  const Operation& operation = operations_[index];
  const Socket& socket = machine_.network.socket(operation.socket);
  const auto handle = static_cast<std::uint32_t>(operation.handle);
  if (buffers_.empty()) {
    machine_.network.fell_short(machine_.network.link_of(socket));
    return finish(index, -linux_errno::nobufs);
  }
  Buffer& buffer = buffers_.front();
  const int result = receive_from(machine_.network.link_of(socket), buffer.bytes, buffer.size);
  if (result == -linux_errno::again) return;
  if (result <= 0) {
    machine_.note(What::receive_failed, handle, static_cast<std::uint64_t>(-result));
    return finish(index, result);
  }
  machine_.note(What::received, handle, static_cast<std::uint64_t>(result));
  std::uint32_t flags = kernel::entry_has_buffer | (std::uint32_t{buffer.id} << kernel::entry_buffer_shift);
  buffer.bytes += result;
  buffer.size -= static_cast<std::size_t>(result);
  if (incremental_ && buffer.size != 0) {
    flags |= kernel::entry_buffer_more;
  } else {
    buffers_.pop_front();
  }
  if (!operation.multishot || machine_.happens(Site::receive_ends)) return finish(index, result, flags);
  more(index, result, flags);
}

std::uint64_t IoUringSys::hash_of(const Operation& operation) const noexcept {
  if (operation.kind == Kind::send) return hash_of_bytes({operation.bytes, operation.size});
  std::uint64_t hash = 0;
  for (const core::Buffer& part : parts_of(*operation.header)) hash = hash_of_bytes({part.bytes, part.size}, hash);
  return hash;
}

void IoUringSys::step_send(std::uint32_t index) {
  const Operation& operation = operations_[index];
  const Socket& socket = machine_.network.socket(operation.socket);
  const auto handle = static_cast<std::uint32_t>(operation.handle);
  if (operation.hash != hash_of(operation)) machine_.violate(2, "the bytes of a send changed while the kernel had it");
  int result = 0;
  if (operation.kind == Kind::send) {
    result = send_to(socket.link, {operation.bytes, operation.size});
  } else {
    for (const core::Buffer& part : parts_of(*operation.header)) {
      const int sent = send_to(socket.link, {part.bytes, part.size});
      if (sent < 0 && result == 0) result = sent;
      if (sent < 0) break;
      result += sent;
      if (static_cast<std::size_t>(sent) < part.size) break;
    }
  }
  if (result == -linux_errno::again && operation.way == SendWay::waits) return;
  machine_.note(result < 0 ? What::send_failed : What::sent, handle, static_cast<std::uint64_t>(std::abs(result)));
  finish(index, result);
}

/// All of that name. Its own entry may come before or after theirs, and may say that one runs and can't be stopped:
/// it ends soon all the same (io_uring_enter(2), EALREADY).
void IoUringSys::start_cancel(const Operation& posted) {
  int found = 0;
  const auto cancel_in = [&](std::uint32_t bucket) {
    std::uint32_t next = no_index;
    for (std::uint32_t at = bucket; at != no_index; at = next) {
      next = operations_[at].in_bucket;
      // A cancel of any says when nothing is left: it finds also what was cancelled before, and closes, which it leaves
      // alone: they run as they are submitted, or soon after.
      const bool is_meant = posted.cancels_any || operations_[at].user == posted.target;
      const bool ends = posted.cancels_any && operations_[at].kind == Kind::close;
      const bool is_new = is_meant && !ends && !std::exchange(operations_[at].cancelled, true);
      if (is_new || (is_meant && posted.cancels_any)) ++found;
      if (is_new) cancel(at);
    }
  };
  if (!posted.cancels_any) {
    cancel_in(buckets_[bucket_of(posted.target)]);
  } else {
    for (const std::uint32_t bucket : buckets_) cancel_in(bucket);
  }
  machine_.note(What::cancelled, loop_, static_cast<std::uint64_t>(found));
  const int error = found == 0 ? 0 : machine_.inject(Site::cancel_post);
  if (loses_entry(Kind::cancel, 0)) return;
  if (error != 0) return complete({posted.user, -error, 0});
  complete({posted.user, found == 0 && !posted.cancels_any ? -2 : found, 0});
}

void IoUringSys::cancel(std::uint32_t index) {
  if (index == doorbell_) {
    finish(std::exchange(doorbell_, no_index), -linux_errno::canceled);
  } else if (one_in(machine_.streams.kernel, 4)) {
    finish(index, -linux_errno::canceled);
  } else {
    later(index);
  }
}

}  // namespace iocpp::simulator

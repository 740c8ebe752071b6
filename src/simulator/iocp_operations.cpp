// What the simulated Windows kernel does with an operation that was posted, until its packet is queued.
#include <algorithm>
#include <cassert>
#include <utility>

#include "base/native_codes.hpp"
#include "simulator/iocp_sys.hpp"

namespace iocpp::simulator {

namespace kernel = iocp::kernel;

namespace {

constexpr std::uintptr_t status_pending = 0x103;

}  // namespace

/// In the call, or later; what ends in the call has a packet too, unless its socket skips it.
int IocpSys::post(const Operation& posted, std::uint32_t* bytes) {
  const std::uint32_t socket = machine_.network.index_of(posted.handle);
  Socket& of = machine_.network.socket(socket);
  if (of.port != loop_ + 1) {
    machine_.violate(2, "an operation was posted on a socket of no port, or of another one");
    return windows_error::wsaeinval;
  }
  const std::uint32_t index = operations_.take();
  Operation& operation = operations_[index];
  const std::uint32_t generation = operation.generation;
  operation = posted;
  operation.generation = generation;
  operation.socket = socket;
  operation.overlapped->status = status_pending;
  machine_.network.hold(socket);
  operation.next = of.first_operation;
  of.first_operation = index;
  if (machine_.streams.kernel.below(8) >= machine_.habits.inline_of_8) {
    later(index);
    return kernel::io_pending;
  }
  const Result result = attempt(operation);
  if (!result.ended) return kernel::io_pending;
  if (result.error != 0) {
    remove(index);
    return result.error;
  }
  if (bytes != nullptr) *bytes = result.bytes;
  finish(index, 0, result.bytes, !of.skips_packets);
  return 0;
}

void IocpSys::later(std::uint32_t index) {
  machine_.step_later(loop_, index, operations_[index]);
}

void IocpSys::changed(std::uint32_t socket) {
  for (std::uint32_t at = machine_.network.socket(socket).first_operation; at != no_index; at = operations_[at].next) {
    if (ready(operations_[at])) later(at);
  }
}

bool IocpSys::ready(const Operation& operation) {
  const Socket& socket = machine_.network.socket(operation.socket);
  if (operation.kind == Kind::accept) return socket.waiting != 0;
  const Link& link = machine_.network.link_of(socket);
  if (link.reset_at_server) return true;
  if (operation.kind == Kind::send) return link.to_peer.room() != 0;
  return link.to_server.arrived != 0 || link.to_server.drained();
}

void IocpSys::step(std::uint32_t index, std::uint32_t generation) {
  Operation& operation = operations_[index];
  if (operation.generation != generation) return;
  operation.stepping = false;
  if (operation.cancelled && !(ready(operation) && machine_.happens(Site::cancel_late)))
    return finish(index, windows_error::operation_aborted, 0, true);
  const Result result = attempt(operation);
  if (result.ended) return finish(index, result.error, result.bytes, true);
  if (operation.cancelled) finish(index, windows_error::operation_aborted, 0, true);
}

IocpSys::Result IocpSys::attempt(Operation& operation) {
  switch (operation.kind) {
    case Kind::accept:
      return attempt_accept(operation);
    case Kind::receive:
      return attempt_receive(operation);
    case Kind::send:
      return attempt_send(operation);
  }
  return {};
}

IocpSys::Result IocpSys::attempt_accept(Operation& operation) {
  if (const int error = machine_.inject(Site::accept); error != 0) {
    fail_accept(operation.socket, error);
    return {true, error, 0};
  }
  const std::uint32_t fresh = machine_.network.index_of(operation.accepting);
  if (fresh == no_index || machine_.network.socket(fresh).kind != Socket::Kind::fresh) {
    machine_.violate(2, "the socket of an accept in flight is gone");
    return {true, windows_error::wsaenotsock, 0};
  }
  if (machine_.network.accept(operation.socket, fresh) == no_handle) return {};
  if (!std::all_of(operation.addresses, operation.addresses + 2 * kernel::address_bytes,
                   [](std::byte byte) { return byte == unwritten; })) {
    machine_.violate(2, "the memory of an accept in flight was used for something else");
    return {true, windows_error::wsaefault, 0};
  }
  machine_.accept_succeeded(loop_);
  machine_.network.socket(fresh).needs_context = true;
  std::fill_n(operation.addresses, 2 * kernel::address_bytes, std::byte{0xad});
  machine_.note(What::accepted, loop_, static_cast<std::uint64_t>(operation.accepting));
  return {true, 0, 0};
}

/// 64 is what a packet says of a reset as a rule; the other two are seen too. Asked again, it says the same again.
int IocpSys::reset_error(const Link& link) {
  if (link.error == windows_error::sem_timeout) return link.error;
  const std::uint32_t kind = link.number % 8;
  if (kind == 0) return windows_error::connection_aborted;
  return kind == 1 ? windows_error::wsaeconnreset : windows_error::netname_deleted;
}

IocpSys::Result IocpSys::attempt_receive(const Operation& operation) {
  const Socket& socket = machine_.network.socket(operation.socket);
  Link& link = machine_.network.link_of(socket);
  int error = machine_.inject(Site::receive);
  if (error != 0 && error != windows_error::wsaenobufs) machine_.network.reset_by_fault(socket.link, error);
  if (error == 0 && link.reset_at_server) error = reset_error(link);
  if (error == 0 && (operation.room.empty() || link.to_server.arrived == 0)) return {.ended = ready(operation)};
  if (error == 0) return {true, 0, read(link, operation.handle, operation.room)};
  machine_.network.fell_short(link);
  machine_.note(What::receive_failed, static_cast<std::uint32_t>(operation.handle), static_cast<std::uint64_t>(error));
  return {true, error, 0};
}

/// Pending until the system has taken all of it, as WSASend has it.
IocpSys::Result IocpSys::attempt_send(Operation& operation) {
  const Socket& socket = machine_.network.socket(operation.socket);
  Link& link = machine_.network.link_of(socket);
  if (operation.hash != hash_of(operation.buffers))
    machine_.violate(2, "the bytes of a send changed while the system had it");
  int error = operation.sent == 0 ? machine_.inject(Site::send) : 0;
  if (error != 0 && error != windows_error::wsaenobufs) machine_.network.reset_by_fault(socket.link, error);
  if (error == 0 && link.reset_at_server) error = reset_error(link);
  if (error == 0 && link.to_peer.ended) error = windows_error::wsaeshutdown;
  if (error != 0) {
    machine_.network.fell_short(link);
    machine_.note(What::send_failed, static_cast<std::uint32_t>(operation.handle), static_cast<std::uint64_t>(error));
    return {true, error, 0};
  }
  std::size_t skip = operation.sent;
  for (const kernel::Buffer& buffer : operation.buffers) {
    const std::size_t skipped = std::min<std::size_t>(skip, buffer.size);
    skip -= skipped;
    if (skipped == buffer.size) continue;
    const std::size_t rest = buffer.size - skipped;
    const std::size_t written = machine_.network.write(socket.link, {buffer.bytes + skipped, rest});
    operation.sent += written;
    if (written < rest) return {};
  }
  machine_.note(What::sent, static_cast<std::uint32_t>(operation.handle), operation.sent);
  return {true, 0, static_cast<std::uint32_t>(operation.sent)};
}

void IocpSys::remove(std::uint32_t index) {
  const Operation& operation = operations_[index];
  std::uint32_t* at = &machine_.network.socket(operation.socket).first_operation;
  while (*at != index) at = &operations_[*at].next;
  *at = operation.next;
  const std::uint32_t socket = operation.socket;
  operations_.release(index);
  machine_.network.let_go(socket);
}

void IocpSys::finish(std::uint32_t index, int error, std::uint32_t bytes, bool packet) {
  kernel::Overlapped& overlapped = *operations_[index].overlapped;
  overlapped.status = static_cast<std::uintptr_t>(error);
  overlapped.bytes = bytes;
  remove(index);
  if (packet) complete({&overlapped, bytes});
}

void IocpSys::complete(const Packet& packet) {
  packets_.push_back(packet);
  ++undelivered_;
  machine_.threads.wake(loop_);
}

}  // namespace iocpp::simulator

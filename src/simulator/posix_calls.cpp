#include "simulator/posix_calls.hpp"

#include <algorithm>

#include "base/native_codes.hpp"
#include "core/accept_outcome.hpp"

namespace iocpp::simulator {

int PosixCalls::open_reserve() {
  const NativeHandle handle = machine_.network.open_other(Socket::Kind::other);
  return handle == no_handle ? -linux_errno::mfile : static_cast<int>(handle);
}

/// As poll(2): 0 where nobody waits; 1 also where the handle names something else, of which it says an error.
int PosixCalls::clients_waiting(int handle) {
  const Socket* socket = machine_.network.find(handle);
  return socket != nullptr && socket->kind == Socket::Kind::listener && socket->waiting == 0 ? 0 : 1;
}

int PosixCalls::close_into_reserve(int handle) {
  if (!machine_.network.close_into_other(handle)) return -linux_errno::badf;
  machine_.note(What::closed, static_cast<std::uint32_t>(handle));
  return handle;
}

void PosixCalls::end_stream(int handle) {
  if (Socket* socket = machine_.network.find(handle)) machine_.network.end_stream(*socket);
}

void PosixCalls::reset_on_close(int handle) {
  if (Socket* socket = machine_.network.find(handle)) socket->reset_on_close = true;
}

/// A reserve is kept for its handle only: whoever closes it wants that for something, and another thread may be
/// faster.
void PosixCalls::close_now(int handle) {
  const Socket* socket = machine_.network.find(handle);
  const bool reserve = socket != nullptr && socket->kind == Socket::Kind::other;
  if (!machine_.network.close(handle)) return machine_.violate(6, "a handle is closed that is none");
  machine_.note(What::closed, static_cast<std::uint32_t>(handle));
  if (reserve && one_in(machine_.streams.kernel, 2)) machine_.threads.others_go_on(loop_);
}

int PosixCalls::accept_now(int handle) {
  return accept_from_handle(handle, false);
}

int PosixCalls::accept_from_handle(int handle, bool may_lose_it) {
  Socket* socket = machine_.network.find(handle);
  if (socket == nullptr) return -linux_errno::badf;
  if (socket->kind != Socket::Kind::listener) return -linux_errno::notsock;
  return accept_from(machine_.network.index_of(handle), may_lose_it);
}

/// What the table says of the errors: some are of the client, which is gone with them; one closes the handle itself, as
/// foreign code would.
void PosixCalls::fail_accept(std::uint32_t listener, int error) {
  machine_.note(What::accept_failed, loop_, static_cast<std::uint64_t>(error));
  machine_.accept_failed(loop_);
  switch (error) {
    case linux_errno::nobufs:
    case linux_errno::nomem:
    case linux_errno::nfile:
    case linux_errno::mfile:
      return machine_.accept_fell_short(loop_, error == linux_errno::mfile);
    case linux_errno::inval:
    case linux_errno::opnotsupp:
      // The listener is lost with it, and with an operation that holds on to it even later, who waits there.
      machine_.network.socket(listener).closed_by_fault = true;
      return;
    case linux_errno::intr:
    case linux_errno::canceled:
      return;
    case linux_errno::badf:
      if (const NativeHandle handle = machine_.network.socket(listener).handle; handle != no_handle)
        machine_.network.close_by_fault(handle), machine_.has_closed_listeners = true;
      return;
    default:
      return machine_.network.drop_waiting(listener);
  }
}

int PosixCalls::accept_from(std::uint32_t listener, bool may_lose_it) {
  Network& network = machine_.network;
  // The descriptor comes first, so its want shows with nobody waiting (measured on Linux 6.18).
  if (network.handles().full()) {
    machine_.accept_fell_short(loop_, true);
    machine_.note(What::accept_failed, loop_, linux_errno::mfile);
    return -linux_errno::mfile;
  }
  if (int error = machine_.inject(Site::accept); error != 0) {
    const bool loses = core::classify_accept(core::Platform::linux_os, error) == core::AcceptOutcome::listener_lost;
    // A number that is gone is told by the first accept that fails for it, not after another reason to make it anew.
    const bool lost_before = network.socket(listener).closed_by_fault && error == linux_errno::badf;
    // ... and where that may not be told, because entries are lost, nobody can know it.
    const bool untold = machine_.has_lost_entries && error == linux_errno::badf;
    if ((loses && (!may_lose_it || lost_before)) || untold) error = linux_errno::nomem;
    fail_accept(listener, error);
    return -error;
  }
  const NativeHandle handle = network.accept(listener);
  if (handle == no_handle) return -linux_errno::again;
  machine_.accept_succeeded(loop_);
  machine_.note(What::accepted, loop_, static_cast<std::uint64_t>(handle));
  return static_cast<int>(handle);
}

/// Of what can be moved: fewer bytes, where there are any fewer, and the fault happens.
std::size_t PosixCalls::shortened(std::size_t whole, Site site) {
  return whole > 1 && machine_.happens(site) ? between(machine_.streams.kernel, 1, whole - 1) : whole;
}

/// What has arrived is read before a reset is told, and a reset is told once (tcp_recvmsg).
int PosixCalls::receive_from(Link& link, std::byte* to, std::size_t most) {
  if (const int error = machine_.inject(Site::receive); error != 0) {
    if (error == linux_errno::nomem || error == linux_errno::nobufs) machine_.network.fell_short(link);
    if (error == linux_errno::intr || error == linux_errno::nomem || error == linux_errno::nobufs) return -error;
    machine_.network.reset_by_fault(machine_.network.socket(link.socket).link, error);
    link.error_told = true;
    return -error;
  }
  if (link.to_server.arrived != 0) {
    const std::size_t whole = std::min({most, link.to_server.arrived, std::size_t{INT32_MAX}});
    const std::size_t count = shortened(whole, Site::receive_short);
    return static_cast<int>(machine_.network.read(link, to, count));
  }
  if (link.reset_at_server) {
    if (link.error_told) return 0;
    link.error_told = true;
    return -link.error;
  }
  return link.to_server.drained() ? 0 : -linux_errno::again;
}

int PosixCalls::send_to(std::uint32_t index, std::span<const std::byte> bytes) {
  Link& link = machine_.network.link(index);
  if (const int error = machine_.inject(Site::send); error != 0) {
    const bool passes = error == linux_errno::nobufs || error == linux_errno::nomem || error == linux_errno::intr;
    if (passes && error != linux_errno::intr) machine_.network.fell_short(link);
    if (!passes) {
      machine_.network.reset_by_fault(index, linux_errno::connreset);
      link.error_told = true;
    }
    return -error;
  }
  if (link.reset_at_server) {
    if (link.error_told) return -linux_errno::pipe;
    link.error_told = true;
    return -link.error;
  }
  if (link.to_peer.ended) return -linux_errno::pipe;
  const std::size_t whole = std::min(bytes.size(), link.to_peer.room());
  const std::size_t count = shortened(whole, Site::send_short);
  const std::size_t sent = machine_.network.write(index, count < whole ? bytes.first(count) : bytes);
  return sent == 0 ? -linux_errno::again : static_cast<int>(sent);
}

int PosixCalls::peer_name(int handle, Address& address) noexcept {
  Network& network = Machine::of_this_thread().network;
  const Socket* socket = network.find(handle);
  if (socket == nullptr) return linux_errno::badf;
  if (socket->kind != Socket::Kind::stream) return linux_errno::notconn;
  Link& link = network.link_of(*socket);
  if (link.reset_at_server) return linux_errno::notconn;
  if (const int error = Machine::of_this_thread().inject(Site::peer_name); error != 0) {
    link.spoiled = link.spoiled || !link.served;  // a client that is to have an address is refused without one
    return error;
  }
  address = network.peer_address(link);
  return 0;
}

}  // namespace iocpp::simulator

#include "simulator/iocp_sys.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/native_codes.hpp"
#include "simulator/bytes_hash.hpp"

namespace iocpp::simulator {

namespace kernel = iocp::kernel;

namespace {

constexpr int internet = 2;  // AF_INET

bool of_the_client(int error) noexcept {
  using namespace windows_error;
  return error == netname_deleted || error == wsaeconnreset || error == connection_aborted || error == unexp_net_err;
}

}  // namespace

IocpSys::IocpSys(Machine& machine, unsigned loop) : machine_{machine}, loop_{loop} {
  machine.enlist(loop, *this);
}

Socket* IocpSys::checked(NativeHandle handle) {
  idle_ = false;
  Socket* socket = machine_.network.find(handle);
  if (socket != nullptr && socket->needs_context)
    machine_.violate(2, "an accepted socket was used before SO_UPDATE_ACCEPT_CONTEXT");
  return socket;
}

int IocpSys::associate(NativeHandle handle) {
  Socket* socket = checked(handle);
  if (socket == nullptr) return windows_error::invalid_handle;
  if (socket->port != 0) return kernel::invalid_parameter;
  if (socket->kind == Socket::Kind::stream) {
    if (const int error = machine_.inject(Site::attach); error != 0) {
      machine_.network.link_of(*socket).spoiled = true;
      return error;
    }
  }
  socket->port = static_cast<std::uint16_t>(loop_ + 1);
  socket->observer = this;
  return 0;
}

int IocpSys::skip_packet_on_success(NativeHandle handle) {
  Socket* socket = checked(handle);
  if (socket == nullptr) return windows_error::invalid_handle;
  // Where a provider's handles are none of the system's there are packets all the same (golang/go#22149).
  socket->skips_packets = machine_.habits.system_handles;
  return 0;
}

int IocpSys::family_of(NativeHandle listener, int& family) {
  family = internet;
  return checked(listener) == nullptr ? windows_error::wsaenotsock : 0;
}

NativeHandle IocpSys::make_socket(int, int& error) {
  idle_ = false;
  error = machine_.inject(Site::make_socket);
  if (error != 0) return machine_.accept_fell_short(loop_, false), no_handle;
  const NativeHandle handle = machine_.network.open_other(Socket::Kind::fresh);
  if (handle == no_handle) {
    error = windows_error::wsaemfile;
    machine_.accept_fell_short(loop_, true);
  }
  return handle;
}

void IocpSys::fail_accept(std::uint32_t listener, int error) {
  machine_.note(What::accept_failed, loop_, static_cast<std::uint64_t>(error));
  if (error == windows_error::wsaenobufs || error == windows_error::wsaemfile) machine_.accept_fell_short(loop_, false);
  if (of_the_client(error)) machine_.network.drop_waiting(listener);
  const NativeHandle handle = machine_.network.socket(listener).handle;
  // Foreign code has closed it.
  if (error != windows_error::wsaenotsock || handle == no_handle) return;
  machine_.network.socket(listener).closed_by_fault = true;
  close_now(handle);
}

int IocpSys::accept(NativeHandle listener, NativeHandle socket, std::byte* addresses, kernel::Overlapped& overlapped) {
  const Socket* listening = checked(listener);
  if (listening == nullptr) return windows_error::wsaenotsock;
  if (listening->kind != Socket::Kind::listener) return windows_error::wsaeinval;
  if (const int error = machine_.inject(Site::accept_post); error != 0) {
    fail_accept(machine_.network.index_of(listener), error);
    return error;
  }
  // What the system may write to is nobody else's until the packet: a mark shows whether it was used meanwhile.
  std::fill_n(addresses, 2 * kernel::address_bytes, unwritten);
  return post({.kind = Kind::accept,
               .handle = listener,
               .accepting = socket,
               .overlapped = &overlapped,
               .addresses = addresses},
              nullptr);
}

int IocpSys::update_accept_context(NativeHandle handle, NativeHandle) {
  idle_ = false;
  Socket* socket = machine_.network.find(handle);
  if (socket == nullptr) return windows_error::wsaenotsock;
  socket->needs_context = false;
  Link& link = machine_.network.link_of(*socket);
  if (link.reset_at_server && !one_in(machine_.streams.kernel, 4)) return windows_error::wsaenotconn;
  const int error = machine_.inject(Site::accept_context);
  if (error != 0) link.spoiled = true;
  return error;
}

NativeHandle IocpSys::accept_now(NativeHandle listener, int& error) {
  const Socket* socket = checked(listener);
  error = socket == nullptr ? windows_error::wsaenotsock : 0;
  if (error != 0) return no_handle;
  if (!socket->nonblocking) machine_.violate(20, "an accept that may block the loop");
  if (machine_.network.handles().full()) error = windows_error::wsaemfile;
  if (error != 0) return no_handle;
  const NativeHandle client = machine_.network.accept(machine_.network.index_of(listener));
  error = client == no_handle ? windows_error::wsaewouldblock : 0;
  return client;
}

int IocpSys::receive(NativeHandle handle, std::span<std::byte> room, std::uint32_t* received,
                     kernel::Overlapped& overlapped) {
  const Socket* socket = checked(handle);
  if (socket == nullptr || socket->kind != Socket::Kind::stream) return windows_error::wsaenotsock;
  if (const int error = machine_.inject(Site::receive_post); error != 0) {
    if (error != windows_error::wsaenobufs)
      machine_.network.reset_by_fault(socket->link, error);
    else
      machine_.network.fell_short(machine_.network.link_of(*socket));
    return error;
  }
  return post({.kind = Kind::receive, .handle = handle, .overlapped = &overlapped, .room = room}, received);
}

int IocpSys::receive_now(NativeHandle handle, std::span<std::byte> room, std::uint32_t& received) {
  received = 0;
  const Socket* socket = checked(handle);
  if (socket == nullptr || socket->kind != Socket::Kind::stream) return windows_error::wsaenotsock;
  if (!socket->nonblocking) machine_.violate(20, "a receive that may block the loop");
  Link& link = machine_.network.link_of(*socket);
  if (link.to_server.arrived != 0) {
    received = read(link, handle, room);
    return 0;
  }
  if (link.reset_at_server) return windows_error::wsaeconnreset;
  return link.to_server.drained() ? 0 : windows_error::wsaewouldblock;
}

std::uint32_t IocpSys::read(Link& link, NativeHandle handle, std::span<std::byte> room) {
  std::size_t most = std::min(room.size(), link.to_server.arrived);
  if (most > 1 && machine_.happens(Site::receive_short)) most = between(machine_.streams.kernel, 1, most - 1);
  const auto received = static_cast<std::uint32_t>(machine_.network.read(link, room.data(), most));
  machine_.note(What::received, static_cast<std::uint32_t>(handle), received);
  return received;
}

int IocpSys::send(NativeHandle handle, std::span<const kernel::Buffer> buffers, std::uint32_t* sent,
                  kernel::Overlapped& overlapped) {
  const Socket* socket = checked(handle);
  if (socket == nullptr || socket->kind != Socket::Kind::stream) return windows_error::wsaenotsock;
  return post(
      {.kind = Kind::send, .handle = handle, .overlapped = &overlapped, .buffers = buffers, .hash = hash_of(buffers)},
      sent);
}

bool IocpSys::has_something() noexcept {
  for (unsigned wakes = wakes_.exchange(0); wakes != 0; --wakes) packets_.push_back({});
  return !packets_.empty();
}

/// Packets come out in any order: of one connection there are never two whose order matters.
int IocpSys::wait(std::span<kernel::Entry> entries, std::uint32_t& count, std::uint32_t milliseconds) {
  idle_ = false;
  count = 0;
  if (const int error = machine_.inject(Site::wait); error != 0) return error;
  if (!has_something() && milliseconds != 0) {
    idle_ = true;
    const TimePoint until = now() + std::chrono::nanoseconds{std::chrono::milliseconds{milliseconds}};
    if (!machine_.threads.sleep(loop_, until)) return windows_error::invalid_handle;
  }
  has_something();
  while (count < entries.size() && !packets_.empty()) {
    if (packets_.size() > 1 && one_in(machine_.streams.kernel, 4)) {
      const std::uint64_t other = machine_.streams.kernel.below(packets_.size());
      std::swap(packets_.front(), packets_[other]);
    }
    const Packet packet = packets_.front();
    packets_.pop_front();
    if (packet.overlapped != nullptr) --undelivered_;
    entries[count++] = {.key = 0, .overlapped = packet.overlapped, .reserved = 0, .bytes = packet.bytes};
  }
  handed_out_ += count;
  if (count != 0) idle_ = false;
  if (count != 0) return 0;
  count = static_cast<std::uint32_t>(machine_.streams.kernel.below(2));  // Wine 8 says 1
  return kernel::wait_timeout;
}

int IocpSys::post_wake() noexcept {
  if (const int error = machine_.inject(Site::wake); error != 0) return error;
  wakes_.fetch_add(1);
  machine_.threads.wake(loop_);
  return 0;
}

int IocpSys::cancel(NativeHandle handle, kernel::Overlapped* overlapped) {
  if (const int error = machine_.inject(Site::cancel_post); error != 0) return idle_ = false, error;
  return abort(handle, overlapped);
}

int IocpSys::abort(NativeHandle handle, kernel::Overlapped* overlapped) {
  idle_ = false;
  const std::uint32_t socket = machine_.network.index_of(handle);
  if (socket == no_index) return windows_error::invalid_handle;
  int found = 0;
  for (std::uint32_t at = machine_.network.socket(socket).first_operation; at != no_index; at = operations_[at].next) {
    Operation& operation = operations_[at];
    if ((overlapped != nullptr && operation.overlapped != overlapped) || operation.cancelled) continue;
    operation.cancelled = true;
    ++found;
    later(at);
  }
  machine_.note(What::cancelled, static_cast<std::uint32_t>(handle), static_cast<std::uint64_t>(found));
  return found == 0 ? windows_error::not_found : 0;
}

int IocpSys::set_nonblocking(NativeHandle handle) {
  Socket* socket = checked(handle);
  if (socket == nullptr) return not_a_socket;
  if (socket->kind == Socket::Kind::stream) {
    if (const int error = machine_.inject(Site::nonblocking); error != 0) {
      machine_.network.fell_short(machine_.network.link_of(*socket));
      return error;
    }
  }
  socket->nonblocking = true;
  return 0;
}

void IocpSys::end_stream(NativeHandle handle) {
  if (Socket* socket = checked(handle)) machine_.network.end_stream(*socket);
}

void IocpSys::reset_on_close(NativeHandle handle) {
  if (Socket* socket = machine_.network.find(handle)) socket->reset_on_close = true;
}

/// What is in flight on it is aborted.
void IocpSys::close_now(NativeHandle handle) {
  Socket* socket = machine_.network.find(handle);
  if (socket == nullptr) return machine_.violate(6, "a handle is closed that is none");
  if (socket->port == loop_ + 1) abort(handle, nullptr);
  machine_.note(What::closed, static_cast<std::uint32_t>(handle));
  machine_.network.close(handle);
}

int IocpSys::peer_name(NativeHandle handle, Address& address) noexcept {
  Network& network = Machine::of_this_thread().network;
  const Socket* socket = network.find(handle);
  if (socket == nullptr) return windows_error::wsaenotsock;
  if (socket->kind != Socket::Kind::stream) return windows_error::wsaenotconn;
  Link& link = network.link_of(*socket);
  if (link.reset_at_server) return windows_error::wsaenotconn;
  if (const int error = Machine::of_this_thread().inject(Site::peer_name); error != 0) {
    link.spoiled = link.spoiled || !link.served;  // a client that is to have an address is refused without one
    return error;
  }
  address = network.peer_address(link);
  return 0;
}

std::uint64_t IocpSys::hash_of(std::span<const kernel::Buffer> buffers) noexcept {
  std::uint64_t hash = 0;
  for (const kernel::Buffer& part : buffers) hash = hash_of_bytes({part.bytes, part.size}, hash);
  return hash;
}

bool IocpSys::listens(NativeHandle listener) noexcept {
  const std::uint32_t socket = machine_.network.index_of(listener);
  return socket != no_index && machine_.network.socket(socket).first_operation != no_index;
}

unsigned IocpSys::accepts_of(NativeHandle listener) noexcept {
  const std::uint32_t socket = machine_.network.index_of(listener);
  // Operations of another loop are in its own pool.
  if (socket == no_index || machine_.network.socket(socket).observer != this) return 0;
  unsigned count = 0;
  for (std::uint32_t at = machine_.network.socket(socket).first_operation; at != no_index; at = operations_[at].next)
    count += operations_[at].kind == Kind::accept && !operations_[at].cancelled ? 1U : 0U;
  return count;
}

}  // namespace iocpp::simulator

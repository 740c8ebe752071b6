#include "support/iocp_on_linux.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "backend/posix/socket_address.hpp"
#include "base/native_codes.hpp"

namespace iocpp::tests {

namespace kernel = iocp::kernel;

namespace {

constexpr std::uintptr_t status_pending = 0x103;

int windows_error_of(int error) noexcept {
  switch (error) {
    case 0:
      return 0;
    case EAGAIN:
      return windows_error::wsaewouldblock;
    case ECONNRESET:
    case EPIPE:
      return windows_error::wsaeconnreset;
    case ECONNABORTED:
      return windows_error::wsaeconnaborted;
    case ENOTCONN:
      return windows_error::wsaenotconn;
    case EMFILE:
    case ENFILE:
      return windows_error::wsaemfile;
    case ENOBUFS:
    case ENOMEM:
      return windows_error::wsaenobufs;
    case EBADF:
    case ENOTSOCK:
      return windows_error::wsaenotsock;
    case EINVAL:
      return windows_error::wsaeinval;
    default:
      return windows_error::wsaenetdown;
  }
}

int error_of_call(int result) noexcept {
  return result < 0 ? windows_error_of(errno) : 0;
}

int descriptor(NativeHandle handle) noexcept {
  return static_cast<int>(handle);
}

bool ready(int socket, short events) noexcept {
  pollfd one{.fd = socket, .events = events, .revents = 0};
  return ::poll(&one, 1, 0) > 0;
}

int set(NativeHandle socket, int level, int name, int value) noexcept {
  return error_of_call(::setsockopt(descriptor(socket), level, name, &value, sizeof value));
}

/// A port that breaks the system's rules can't be tested further.
void demand(bool holds, const char* rule) {
  if (holds) return;
  std::cerr << "completion port misused: " << rule << std::endl;
  std::abort();
}

}  // namespace

IocpOnLinux::IocpOnLinux(IocpHabits habits) : habits_{habits}, doorbell_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}

IocpOnLinux::Socket& IocpOnLinux::checked(NativeHandle socket) {
  Socket& known = sockets_[socket];
  demand(!known.needs_context, "an accepted socket was used before SO_UPDATE_ACCEPT_CONTEXT");
  return known;
}

int IocpOnLinux::associate(NativeHandle socket) {
  Socket& known = checked(socket);
  if (known.associated) return kernel::invalid_parameter;
  if (::fcntl(descriptor(socket), F_GETFD) < 0) return windows_error::invalid_handle;
  known.associated = true;
  return 0;
}

int IocpOnLinux::skip_packet_on_success(NativeHandle socket) {
  checked(socket).skips = true;
  return 0;
}

void IocpOnLinux::complete(kernel::Overlapped& overlapped, int error, std::uint32_t bytes) {
  overlapped.status = static_cast<std::uintptr_t>(error);
  overlapped.bytes = bytes;
  const std::lock_guard lock{mutex_};
  packets_.push_back({.key = 0, .overlapped = &overlapped, .reserved = 0, .bytes = bytes});
}

int IocpOnLinux::post(Pending operation, std::uint32_t* bytes) {
  const Socket& socket = checked(operation.socket);
  demand(socket.associated, "an operation was posted on a socket of no port");
  if (habits_.at_once) {
    if (const auto outcome = attempt(operation)) {
      if (outcome->error != 0) return outcome->error;
      operation.overlapped->status = 0;
      if (bytes != nullptr) *bytes = outcome->bytes;
      if (!socket.skips) complete(*operation.overlapped, 0, outcome->bytes);
      return 0;
    }
  }
  operation.overlapped->status = status_pending;
  pending_.push_back(operation);
  return kernel::io_pending;
}

std::optional<IocpOnLinux::Outcome> IocpOnLinux::attempt(Pending& operation) {
  switch (operation.kind) {
    case Kind::accept:
      return attempt_accept(operation);
    case Kind::send:
      return attempt_send(operation);
    case Kind::receive:
      return attempt_receive(operation);
  }
  return std::nullopt;
}

std::optional<IocpOnLinux::Outcome> IocpOnLinux::attempt_receive(const Pending& operation) {
  if (!ready(operation.socket, POLLIN)) return std::nullopt;
  if (!operation.room.empty()) {
    const ssize_t received = ::recv(operation.socket, operation.room.data(), operation.room.size(), MSG_DONTWAIT);
    if (received < 0 && errno == EAGAIN) return std::nullopt;
    if (received < 0) return Outcome{windows_error_of(errno), 0};
    return Outcome{0, static_cast<std::uint32_t>(received)};
  }
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(operation.socket, SOL_SOCKET, SO_ERROR, &error, &length);
  return Outcome{windows_error_of(error), 0};
}

std::optional<IocpOnLinux::Outcome> IocpOnLinux::attempt_accept(const Pending& operation) {
  if (!ready(operation.socket, POLLIN)) return std::nullopt;
  const int client = ::accept4(operation.socket, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return Outcome{windows_error_of(errno), 0};
  ::dup3(client, operation.accepting, O_CLOEXEC);
  ::close(client);
  sockets_[operation.accepting].needs_context = true;
  return Outcome{0, 0};
}

std::optional<IocpOnLinux::Outcome> IocpOnLinux::attempt_send(Pending& operation) {
  for (;;) {
    std::array<iovec, 64> parts;
    std::size_t count = 0;
    std::size_t skip = operation.sent;
    for (const kernel::Buffer& buffer : operation.buffers) {
      const std::size_t skipped = std::min<std::size_t>(skip, buffer.size);
      skip -= skipped;
      if (skipped == buffer.size) continue;
      parts[count++] = {.iov_base = const_cast<std::byte*>(buffer.bytes) + skipped, .iov_len = buffer.size - skipped};
    }
    if (count == 0) return Outcome{0, static_cast<std::uint32_t>(operation.sent)};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(operation.socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) return std::nullopt;
    if (sent < 0) return Outcome{windows_error_of(errno), 0};
    operation.sent += static_cast<std::size_t>(sent);
  }
}

void IocpOnLinux::progress() {
  for (std::size_t at = 0; at < pending_.size();) {
    const auto outcome = attempt(pending_[at]);
    if (!outcome) {
      ++at;
      continue;
    }
    complete(*pending_[at].overlapped, outcome->error, outcome->bytes);
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

std::uint32_t IocpOnLinux::take(std::span<kernel::Entry> entries) {
  const std::lock_guard lock{mutex_};
  std::uint32_t count = 0;
  while (count < entries.size() && !packets_.empty()) {
    entries[count++] = packets_.front();
    packets_.pop_front();
  }
  return count;
}

void IocpOnLinux::sleep(int milliseconds) {
  std::vector<pollfd> polled{{.fd = doorbell_.get(), .events = POLLIN, .revents = 0}};
  for (const Pending& operation : pending_) {
    const short events = operation.kind == Kind::send ? POLLOUT : POLLIN;
    polled.push_back({.fd = operation.socket, .events = events, .revents = 0});
  }
  ::poll(polled.data(), polled.size(), milliseconds);
  eventfd_t rung = 0;
  ::eventfd_read(doorbell_.get(), &rung);
}

int IocpOnLinux::wait(std::span<kernel::Entry> entries, std::uint32_t& count, std::uint32_t milliseconds) {
  const TimePoint until = IocpOnLinux::now() + std::chrono::milliseconds{milliseconds};
  for (;;) {
    progress();
    count = take(entries);
    if (count != 0) return 0;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - IocpOnLinux::now()).count();
    if (left <= 0) break;
    sleep(static_cast<int>(left));
  }
  count = 1;  // as Wine 8 does
  return kernel::wait_timeout;
}

int IocpOnLinux::post_wake() {
  {
    const std::lock_guard lock{mutex_};
    packets_.push_back({});
  }
  ::eventfd_write(doorbell_.get(), 1);
  return 0;
}

int IocpOnLinux::family_of(NativeHandle listener, int& family) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  const int result = ::getsockname(descriptor(listener), reinterpret_cast<sockaddr*>(&address), &length);
  family = address.ss_family;
  return error_of_call(result);
}

NativeHandle IocpOnLinux::make_socket(int family, int& error) {
  const int made = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  error = error_of_call(made);
  return made;
}

int IocpOnLinux::accept(NativeHandle listener, NativeHandle socket, std::byte* addresses,
                        kernel::Overlapped& overlapped) {
  std::fill_n(addresses, 2 * kernel::address_bytes, std::byte{0xad});
  return post({.kind = Kind::accept,
               .socket = descriptor(listener),
               .overlapped = &overlapped,
               .accepting = descriptor(socket)},
              nullptr);
}

int IocpOnLinux::update_accept_context(NativeHandle socket, NativeHandle) {
  sockets_[socket].needs_context = false;
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  return error_of_call(::getpeername(descriptor(socket), reinterpret_cast<sockaddr*>(&address), &length));
}

NativeHandle IocpOnLinux::accept_now(NativeHandle listener, int& error) {
  const int client = ::accept4(descriptor(listener), nullptr, nullptr, SOCK_CLOEXEC);
  error = error_of_call(client);
  return client;
}

int IocpOnLinux::receive(NativeHandle socket, std::span<std::byte> room, std::uint32_t* received,
                         kernel::Overlapped& overlapped) {
  return post({.kind = Kind::receive, .socket = descriptor(socket), .overlapped = &overlapped, .room = room}, received);
}

int IocpOnLinux::receive_now(NativeHandle socket, std::span<std::byte> room, std::uint32_t& received) {
  const ssize_t result = ::recv(descriptor(socket), room.data(), room.size(), 0);
  received = result > 0 ? static_cast<std::uint32_t>(result) : 0;
  return result < 0 ? windows_error_of(errno) : 0;
}

int IocpOnLinux::send(NativeHandle socket, std::span<const kernel::Buffer> buffers, std::uint32_t* sent,
                      kernel::Overlapped& overlapped) {
  return post({.kind = Kind::send, .socket = descriptor(socket), .overlapped = &overlapped, .buffers = buffers}, sent);
}

int IocpOnLinux::cancel(NativeHandle socket, kernel::Overlapped* overlapped) {
  bool found = false;
  std::erase_if(pending_, [&](const Pending& operation) {
    if (operation.socket != socket || (overlapped != nullptr && operation.overlapped != overlapped)) return false;
    complete(*operation.overlapped, windows_error::operation_aborted);
    return found = true;
  });
  return found ? 0 : windows_error::not_found;
}

int IocpOnLinux::set_nonblocking(NativeHandle socket) {
  checked(socket);
  const int flags = ::fcntl(descriptor(socket), F_GETFL);
  return error_of_call(::fcntl(descriptor(socket), F_SETFL, flags | O_NONBLOCK));
}

int IocpOnLinux::set_nodelay(NativeHandle socket) {
  checked(socket);
  return set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
}

int IocpOnLinux::set_keepalive(NativeHandle socket, std::uint32_t idle_seconds) {
  checked(socket);
  set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  return set(socket, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(idle_seconds));
}

int IocpOnLinux::set_receive_buffer(NativeHandle socket, int bytes) {
  checked(socket);
  return set(socket, SOL_SOCKET, SO_RCVBUF, bytes);
}

int IocpOnLinux::set_send_buffer(NativeHandle socket, int bytes) {
  checked(socket);
  return set(socket, SOL_SOCKET, SO_SNDBUF, bytes);
}

void IocpOnLinux::end_stream(NativeHandle socket) {
  checked(socket);
  ::shutdown(descriptor(socket), SHUT_WR);
}

void IocpOnLinux::reset_on_close(NativeHandle socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor(socket), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void IocpOnLinux::close_now(NativeHandle socket) {
  cancel(socket, nullptr);
  sockets_.erase(socket);
  ::close(descriptor(socket));
}

TimePoint IocpOnLinux::now() const noexcept {
  return TimePoint{std::chrono::steady_clock::now().time_since_epoch()};
}

void IocpOnLinux::pause() noexcept {
  ::usleep(1000);
}

int IocpOnLinux::peer_name(NativeHandle socket, Address& address) noexcept {
  return posix::peer_name(descriptor(socket), address);
}

}  // namespace iocpp::tests

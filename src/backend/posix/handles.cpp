#include "backend/posix/handles.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <system_error>

#include "backend/posix/message_header.hpp"
#include "backend/posix/socket_address.hpp"
#include "core/byte_queue.hpp"
#include "iocpp/error.hpp"

namespace iocpp::posix {

static_assert(sizeof(MessageHeader) == sizeof(msghdr) && offsetof(MessageHeader, buffers) == offsetof(msghdr, msg_iov));
static_assert(offsetof(MessageHeader, buffer_count) == offsetof(msghdr, msg_iovlen));
static_assert(offsetof(MessageHeader, flags) == offsetof(msghdr, msg_flags));
static_assert(sizeof(core::Buffer) == sizeof(iovec) && offsetof(core::Buffer, size) == offsetof(iovec, iov_len));

int Handles::open_reserve() noexcept {
  return ::eventfd(0, EFD_CLOEXEC);  // of no file: one may be out of reach, after chroot(2) say
}

int Handles::clients_waiting(int listener) noexcept {
  pollfd client{.fd = listener, .events = POLLIN, .revents = 0};
  return ::poll(&client, 1, 0);
}

void Handles::end_stream(int socket) noexcept {
  ::shutdown(socket, SHUT_WR);
}

void Handles::reset_on_close(int socket) noexcept {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void Handles::close_now(int handle) noexcept {
  ::close(handle);
}

TimePoint Handles::now() const noexcept {
  return TimePoint{std::chrono::steady_clock::now().time_since_epoch()};
}

void Handles::pause() noexcept {
  ::usleep(1000);
}

int Handles::peer_name(int socket, Address& address) noexcept {
  return posix::peer_name(socket, address);
}

int peer_credentials(NativeHandle socket, PeerCredentials& credentials) noexcept {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(static_cast<int>(socket), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return errno;
  credentials = {.process = peer.pid, .user = peer.uid, .group = peer.gid};
  return 0;
}

Doorbell::Doorbell() : descriptor_{::eventfd(0, EFD_CLOEXEC)} {
  if (descriptor_ < 0) throw std::system_error(native_error(errno), "eventfd");
}

Doorbell::~Doorbell() {
  ::close(descriptor_);
}

int Doorbell::close_into_copy(int handle) noexcept {
  return ::dup3(descriptor_, handle, O_CLOEXEC) < 0 ? -errno : handle;
}

void Doorbell::ring() noexcept {
  const std::uint64_t one = 1;
  const int error = errno;  // called by signal handlers too
  [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
  errno = error;
}

}  // namespace iocpp::posix

#include "backend/epoll/sys.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace iocpp::epoll {

static_assert(kernel::readable == EPOLLIN && kernel::urgent == EPOLLPRI && kernel::writable == EPOLLOUT);
static_assert(kernel::error == EPOLLERR && kernel::hang_up == EPOLLHUP && kernel::peer_hang_up == EPOLLRDHUP);
static_assert(kernel::edge_triggered == EPOLLET);

namespace {

/// A call's result, or its negative errno.
template <class Result>
int result_of(Result result) noexcept {
  return result < 0 ? -errno : static_cast<int>(result);
}

}  // namespace

int Sys::setup() noexcept {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  return result_of(epoll_);
}

void Sys::teardown() noexcept {
  ::close(epoll_);
}

int Sys::watch(int handle, std::uint32_t events, std::uint64_t user) noexcept {
  epoll_event event{.events = events, .data = {.u64 = user}};
  return result_of(::epoll_ctl(epoll_, EPOLL_CTL_ADD, handle, &event));
}

void Sys::unwatch(int handle) noexcept {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, handle, nullptr);
}

int Sys::watch_doorbell(std::uint32_t events, std::uint64_t user) noexcept {
  return watch(doorbell_.descriptor(), events, user);
}

int Sys::wait(std::optional<std::chrono::nanoseconds> timeout) noexcept {
  timespec until{};
  if (timeout) until = {.tv_sec = timeout->count() / 1'000'000'000, .tv_nsec = timeout->count() % 1'000'000'000};
  return result_of(
      ::epoll_pwait2(epoll_, events_.data(), static_cast<int>(events_.size()), timeout ? &until : nullptr, nullptr));
}

int Sys::wait_coarsely(int milliseconds) noexcept {
  return result_of(::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), milliseconds));
}

int Sys::make_non_blocking(int listener) noexcept {
  return result_of(::fcntl(listener, F_SETFL, O_NONBLOCK));
}

int Sys::accept(int listener) noexcept {
  return result_of(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

int Sys::accept_now(int listener) noexcept {
  return accept(listener);
}

int Sys::receive(int socket, std::byte* bytes, std::size_t size) noexcept {
  return result_of(::recv(socket, bytes, size, MSG_DONTWAIT));
}

int Sys::send(int socket, const std::byte* bytes, std::size_t size) noexcept {
  return result_of(::send(socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL));
}

int Sys::send_gathered(int socket, const posix::MessageHeader& header) noexcept {
  return result_of(::sendmsg(socket, reinterpret_cast<const msghdr*>(&header), MSG_DONTWAIT | MSG_NOSIGNAL));
}

int Sys::close(int socket) noexcept {
  return result_of(::close(socket));
}

}  // namespace iocpp::epoll

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "stress/socket.hpp"

namespace stress {
namespace {

Outcome outcome_of(int error) {
  switch (error) {
    case 0:
      return Outcome::done;
    case EAGAIN:
    case EINTR:
    case EINPROGRESS:
    case EALREADY:
      return Outcome::again;
    case ECONNREFUSED:
      return Outcome::refused;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
      return Outcome::reset;
    case ETIMEDOUT:
      return Outcome::timed_out;
    case EADDRNOTAVAIL:
    case EADDRINUSE:
      return Outcome::no_local_port;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Outcome::no_handles;
    default:
      return Outcome::failed;
  }
}

template <class Native>
SocketAddress packed(const Native& native) {
  static_assert(sizeof(Native) <= sizeof(SocketAddress::bytes));
  SocketAddress address;
  std::memcpy(address.bytes.data(), &native, sizeof(native));
  address.size = sizeof(native);
  return address;
}

const sockaddr* native(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr*>(address.bytes.data());  // every byte of it was written by packed()
}

sa_family_t family_of(const SocketAddress& address) {
  sa_family_t family = AF_UNSPEC;
  std::memcpy(&family, address.bytes.data(), sizeof(family));
  return family;
}

int fd(std::intptr_t handle) {
  return static_cast<int>(handle);
}

void set_flag(std::intptr_t handle, int level, int option) noexcept {
  const int on = 1;
  setsockopt(fd(handle), level, option, &on, sizeof(on));
}

}  // namespace

std::optional<SocketAddress> resolve(const program::HostPort& target) {
  const std::string host = target.host == "localhost" ? "127.0.0.1" : target.host;
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  ipv4.sin_port = htons(target.port);
  if (inet_pton(AF_INET, host.c_str(), &ipv4.sin_addr) == 1) return packed(ipv4);
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(target.port);
  if (inet_pton(AF_INET6, host.c_str(), &ipv6.sin6_addr) == 1) return packed(ipv6);
  return std::nullopt;
}

std::optional<SocketAddress> loopback_source(const SocketAddress& target, unsigned index) {
  if (family_of(target) != AF_INET) return std::nullopt;
  sockaddr_in source{};
  std::memcpy(&source, target.bytes.data(), sizeof(source));
  if (ntohl(source.sin_addr.s_addr) >> 24 != 127) return std::nullopt;
  source.sin_port = 0;
  source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + std::min(index, 250U));
  return packed(source);
}

Socket::Socket(Socket&& other) noexcept : handle_{std::exchange(other.handle_, none)} {}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    handle_ = std::exchange(other.handle_, none);
  }
  return *this;
}

Outcome Socket::open(const SocketAddress& target) {
  close();
  handle_ = socket(family_of(target), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  return is_open() ? Outcome::done : outcome_of(errno);
}

Outcome Socket::bind(const SocketAddress& source) {
  // Without it, bind would take a port for itself, of which there are 28,000 over all targets (ip(7)).
  set_flag(handle_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
  return ::bind(fd(handle_), native(source), source.size) == 0 ? Outcome::done : outcome_of(errno);
}

Outcome Socket::connect(const SocketAddress& target) {
  // A second connect is how Linux tells exactly: it answers 0 once established, EALREADY before, and the error
  // otherwise.
  if (::connect(fd(handle_), native(target), target.size) == 0 || errno == EISCONN) return Outcome::done;
  return errno == EAGAIN ? Outcome::no_local_port : outcome_of(errno);
}

void Socket::set_no_delay() noexcept {
  set_flag(handle_, IPPROTO_TCP, TCP_NODELAY);
}

void Socket::keep_little_received() noexcept {
  const int least = 1;  // the system makes it what it needs at least: socket(7), SO_RCVBUF
  ::setsockopt(fd(handle_), SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
}

Transfer Socket::send(std::span<const std::byte> bytes) noexcept {
  const ssize_t sent = ::send(fd(handle_), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0) return {outcome_of(errno), 0};
  return {Outcome::done, static_cast<std::size_t>(sent)};
}

Transfer Socket::receive(std::span<std::byte> space) noexcept {
  const ssize_t received = ::recv(fd(handle_), space.data(), space.size(), 0);
  if (received < 0) return {outcome_of(errno), 0};
  if (received == 0) return {Outcome::ended, 0};
  return {Outcome::done, static_cast<std::size_t>(received)};
}

void Socket::shutdown_send() noexcept {
  ::shutdown(fd(handle_), SHUT_WR);
}

void Socket::close() noexcept {
  if (is_open()) ::close(fd(std::exchange(handle_, none)));
}

void Socket::reset() noexcept {
  const linger at_once{1, 0};
  setsockopt(fd(handle_), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close();
}

Poller::Poller() : handle_{epoll_create1(EPOLL_CLOEXEC)} {
  if (handle_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

Poller::~Poller() {
  ::close(fd(handle_));
}

void Poller::add(const Socket& socket, std::uint64_t key) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = key;
  if (epoll_ctl(fd(handle_), EPOLL_CTL_ADD, fd(socket.handle_), &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

std::span<const PollEvent> Poller::wait(Duration timeout) {
  std::array<epoll_event, 256> ready;
  const int room = static_cast<int>(ready.size());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const timespec time{seconds.count(), (timeout - seconds).count()};
  int count = epoll_pwait2(fd(handle_), ready.data(), room, &time, nullptr);
  if (count < 0 && (errno == ENOSYS || errno == EPERM)) {  // before Linux 5.11, and in containers that bar it
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout);
    count = epoll_wait(fd(handle_), ready.data(), room, static_cast<int>(milliseconds.count()));
  }
  if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "epoll_wait");
  events_.clear();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready[static_cast<std::size_t>(i)];
    events_.push_back({event.data.u64, (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0});
  }
  return events_;
}

void wait_precisely() noexcept {
  prctl(PR_SET_TIMERSLACK, 1UL);
}

}  // namespace stress

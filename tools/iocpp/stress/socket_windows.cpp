#include <winsock2.h>
#include <ws2tcpip.h>
// windows.h goes before the headers that need it.
#include <timeapi.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "stress/socket.hpp"

namespace stress {
namespace {

Outcome outcome_of(int error) {
  switch (error) {
    case 0:
      return Outcome::done;
    case WSAEWOULDBLOCK:
    case WSAEINPROGRESS:
    case WSAEALREADY:
      return Outcome::again;
    case WSAECONNREFUSED:
      return Outcome::refused;
    case WSAECONNRESET:
    case WSAECONNABORTED:
    case WSAENETRESET:
      return Outcome::reset;
    case WSAETIMEDOUT:
      return Outcome::timed_out;
    case WSAEADDRNOTAVAIL:
    case WSAEADDRINUSE:
      return Outcome::no_local_port;
    case WSAEMFILE:
    case WSAENOBUFS:
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

int family_of(const SocketAddress& address) {
  ADDRESS_FAMILY family = AF_UNSPEC;
  std::memcpy(&family, address.bytes.data(), sizeof(family));
  return family;
}

SOCKET handle_of(std::intptr_t handle) {
  return static_cast<SOCKET>(handle);
}

void set_flag(std::intptr_t handle, int level, int option) noexcept {
  const int on = 1;
  setsockopt(handle_of(handle), level, option, reinterpret_cast<const char*>(&on), sizeof(on));
}

void start_winsock() {
  static const int error = [] {
    WSADATA about{};
    return WSAStartup(MAKEWORD(2, 2), &about);
  }();
  if (error != 0) throw std::system_error(error, std::system_category(), "WSAStartup");
}

/// The sockets of one poller. Winsock records their changes and sets the event for each.
struct Watched {
  struct Entry {
    SOCKET socket;
    std::uint64_t key;
  };
  HANDLE changed = nullptr;
  std::vector<Entry> entries;
};

/// Which poller watches a socket: a closed one must be forgotten at once, since the system gives its number to the next
/// one, whose changes would be taken from whoever watches that.
class Watchers {
 public:
  void add(SOCKET socket, std::uint64_t key, Watched& watched) {
    const std::lock_guard lock{mutex_};
    forget_locked(socket);
    places_[socket] = {&watched, watched.entries.size()};
    watched.entries.push_back({socket, key});
  }

  void forget(SOCKET socket) {
    const std::lock_guard lock{mutex_};
    forget_locked(socket);
  }

  void forget_all(Watched& watched) {
    const std::lock_guard lock{mutex_};
    for (const Watched::Entry& entry : watched.entries) {
      WSAEventSelect(entry.socket, nullptr, 0);
      places_.erase(entry.socket);
    }
    watched.entries.clear();
  }

 private:
  struct Place {
    Watched* watched;
    std::size_t index;
  };

  void forget_locked(SOCKET socket) {
    const auto found = places_.find(socket);
    if (found == places_.end()) return;
    const auto [watched, index] = found->second;
    places_.erase(found);
    const Watched::Entry last = watched->entries.back();
    watched->entries.pop_back();
    if (last.socket == socket) return;
    watched->entries[index] = last;
    places_[last.socket].index = index;
  }

  std::mutex mutex_;
  std::unordered_map<SOCKET, Place> places_;
};

Watchers& watchers() {
  static Watchers instance;
  return instance;
}

Watched& watched_by(std::intptr_t handle) {
  return *reinterpret_cast<Watched*>(handle);
}

/// How a connect goes that was begun. Not by a second one, which would try again after a failure; nor by WSAPoll, which
/// reports no failure before Windows 10 2004.
Outcome connect_progress(SOCKET socket) {
  fd_set writable;
  FD_ZERO(&writable);
  FD_SET(socket, &writable);
  fd_set failed = writable;
  timeval no_time{0, 0};
  const int count = select(0, nullptr, &writable, &failed, &no_time);
  if (count < 0) return outcome_of(WSAGetLastError());
  if (count == 0) return Outcome::again;
  if (FD_ISSET(socket, &failed) == 0) return Outcome::done;
  int error = 0;
  int size = sizeof(error);
  getsockopt(socket, SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&error), &size);
  return error == 0 ? Outcome::failed : outcome_of(error);
}

}  // namespace

std::optional<SocketAddress> resolve(const program::HostPort& target) {
  start_winsock();
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

Socket::Socket(Socket&& other) noexcept
    : handle_{std::exchange(other.handle_, none)}, connecting_{std::exchange(other.connecting_, false)} {}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    handle_ = std::exchange(other.handle_, none);
    connecting_ = std::exchange(other.connecting_, false);
  }
  return *this;
}

Outcome Socket::open(const SocketAddress& target) {
  close();
  start_winsock();
  const SOCKET made = WSASocketW(family_of(target), SOCK_STREAM, IPPROTO_TCP, nullptr, 0,
                                 WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  if (made == INVALID_SOCKET) return outcome_of(WSAGetLastError());
  handle_ = static_cast<std::intptr_t>(made);
  u_long on = 1;
  ioctlsocket(made, static_cast<long>(FIONBIO), &on);
  return Outcome::done;
}

Outcome Socket::bind(const SocketAddress& source) {
  // Without it, bind would take a port for itself, of which there are 16,384 over all targets (SO_REUSE_UNICASTPORT,
  // Windows 10).
#ifdef SO_REUSE_UNICASTPORT
  set_flag(handle_, SOL_SOCKET, SO_REUSE_UNICASTPORT);
#endif
  const int result = ::bind(handle_of(handle_), native(source), static_cast<int>(source.size));
  return result == 0 ? Outcome::done : outcome_of(WSAGetLastError());
}

Outcome Socket::connect(const SocketAddress& target) {
  if (std::exchange(connecting_, true)) return connect_progress(handle_of(handle_));
  const int result = ::connect(handle_of(handle_), native(target), static_cast<int>(target.size));
  return result == 0 ? Outcome::done : outcome_of(WSAGetLastError());
}

void Socket::set_no_delay() noexcept {
  set_flag(handle_, IPPROTO_TCP, TCP_NODELAY);
}

void Socket::keep_little_received() noexcept {
  const int least = 1024;
  setsockopt(handle_of(handle_), SOL_SOCKET, SO_RCVBUF, reinterpret_cast<const char*>(&least), sizeof(least));
}

Transfer Socket::send(std::span<const std::byte> bytes) noexcept {
  // Until it would block: Winsock tells that there is room again only after that.
  Transfer transfer;
  while (transfer.bytes < bytes.size()) {
    const std::span<const std::byte> rest = bytes.subspan(transfer.bytes);
    const int size = static_cast<int>(std::min<std::size_t>(rest.size(), 1U << 30));
    const int sent = ::send(handle_of(handle_), reinterpret_cast<const char*>(rest.data()), size, 0);
    if (sent < 0) {
      // An error after bytes that were taken is told by the next call.
      if (transfer.bytes == 0) transfer.outcome = outcome_of(WSAGetLastError());
      break;
    }
    transfer.bytes += static_cast<std::size_t>(sent);
  }
  return transfer;
}

Transfer Socket::receive(std::span<std::byte> space) noexcept {
  const int size = static_cast<int>(std::min<std::size_t>(space.size(), 1U << 30));
  const int received = ::recv(handle_of(handle_), reinterpret_cast<char*>(space.data()), size, 0);
  if (received < 0) return {outcome_of(WSAGetLastError()), 0};
  if (received == 0) return {Outcome::ended, 0};
  return {Outcome::done, static_cast<std::size_t>(received)};
}

void Socket::shutdown_send() noexcept {
  ::shutdown(handle_of(handle_), SD_SEND);
}

void Socket::close() noexcept {
  if (!is_open()) return;
  connecting_ = false;
  const SOCKET closed = handle_of(std::exchange(handle_, none));
  watchers().forget(closed);
  closesocket(closed);
}

void Socket::reset() noexcept {
  const linger at_once{1, 0};
  setsockopt(handle_of(handle_), SOL_SOCKET, SO_LINGER, reinterpret_cast<const char*>(&at_once), sizeof(at_once));
  close();
}

Poller::Poller() : handle_{reinterpret_cast<std::intptr_t>(new Watched)} {
  start_winsock();
  Watched& watched = watched_by(handle_);
  watched.changed = CreateEventW(nullptr, FALSE, FALSE, nullptr);
  if (watched.changed == nullptr) {
    const int error = static_cast<int>(GetLastError());
    delete &watched;
    throw std::system_error(error, std::system_category(), "CreateEvent");
  }
}

Poller::~Poller() {
  Watched& watched = watched_by(handle_);
  watchers().forget_all(watched);
  CloseHandle(watched.changed);
  delete &watched;
}

void Poller::add(const Socket& socket, std::uint64_t key) {
  Watched& watched = watched_by(handle_);
  watchers().add(handle_of(socket.handle_), key, watched);
  // What is so already counts as a change.
  if (WSAEventSelect(handle_of(socket.handle_), watched.changed, FD_READ | FD_WRITE | FD_CONNECT | FD_CLOSE) != 0) {
    throw std::system_error(WSAGetLastError(), std::system_category(), "WSAEventSelect");
  }
}

std::span<const PollEvent> Poller::wait(Duration timeout) {
  Watched& watched = watched_by(handle_);
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(std::max(timeout, Duration{0}));
  const auto longest = std::chrono::milliseconds{std::chrono::hours{24}};
  events_.clear();
  const auto bound = static_cast<DWORD>(std::min(milliseconds, longest).count());
  if (WaitForSingleObject(watched.changed, bound) != WAIT_OBJECT_0) return events_;
  // A change after its socket was asked sets the event again.
  for (const Watched::Entry& entry : watched.entries) {
    WSANETWORKEVENTS changes{};
    if (WSAEnumNetworkEvents(entry.socket, nullptr, &changes) != 0 || changes.lNetworkEvents == 0) continue;
    events_.push_back({entry.key, (changes.lNetworkEvents & FD_CLOSE) != 0});
  }
  return events_;
}

void wait_precisely() noexcept {
  timeBeginPeriod(1);
}

}  // namespace stress

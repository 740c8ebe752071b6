#include "small_server.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace {

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

int bound_socket() {
  const int handle = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  check(handle, "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(bind(handle, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), "bind");
  return handle;
}

std::uint16_t port_of(int handle) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  check(getsockname(handle, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return ntohs(address.sin_port);
}

stress::SocketAddress loopback(std::uint16_t port) {
  const auto address = stress::resolve({"127.0.0.1", port});
  if (!address) throw std::logic_error("127.0.0.1 was not understood");
  return *address;
}

}  // namespace

SmallServer::SmallServer(Behaviour behaviour) : behaviour_{behaviour}, listener_{bound_socket()} {
  check(listen(listener_, behaviour_.backlog), "listen");
  port_ = port_of(listener_);
  std::array<int, 2> pipe_ends{};
  check(pipe2(pipe_ends.data(), O_CLOEXEC), "pipe2");
  stop_read_ = pipe_ends[0];
  stop_write_ = pipe_ends[1];
  thread_ = std::thread{[this] { serve(); }};
}

SmallServer::~SmallServer() {
  close(stop_write_);
  thread_.join();
  close(stop_read_);
  close(listener_);
  for (const auto& [handle, connection] : connections_) close(handle);
}

stress::SocketAddress SmallServer::address() const {
  return loopback(port_);
}

std::string SmallServer::name() const {
  return "127.0.0.1:" + std::to_string(port_);
}

void SmallServer::serve() {
  while (true) {
    const bool accepting = accepted_.load() < behaviour_.accepts_max;
    std::vector<pollfd> polled{{stop_read_, POLLIN, 0}, {accepting ? listener_ : -1, POLLIN, 0}};
    for (const auto& [handle, connection] : connections_) {
      const int input = behaviour_.reads && !connection.peer_ended ? POLLIN : 0;
      polled.push_back({handle, static_cast<short>(input | (connection.to_send.empty() ? 0 : POLLOUT)), 0});
    }
    if (poll(polled.data(), polled.size(), -1) < 0) continue;
    if (polled[0].revents != 0) return;
    for (std::size_t i = 2; i < polled.size(); ++i) {
      if (polled[i].revents == 0) continue;
      const auto found = connections_.find(polled[i].fd);
      if (serve_connection(found->first, found->second)) continue;
      close(found->first);
      connections_.erase(found);
    }
    if (polled[1].revents != 0) accept_one();
  }
}

void SmallServer::accept_one() {
  const int handle = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (handle < 0) return;
  ++accepted_;
  if (behaviour_.end_after == 0U) {
    end(handle, behaviour_.end == Behaviour::End::reset);
    close(handle);
  } else {
    connections_.emplace(handle, Connection{});
  }
}

bool SmallServer::serve_connection(int handle, Connection& connection) {
  if (behaviour_.reads && !receive(handle, connection)) return false;
  if (!send(handle, connection)) return false;
  if (behaviour_.end_after && connection.echoed == *behaviour_.end_after) {
    return end(handle, behaviour_.end == Behaviour::End::reset);
  }
  if (connection.peer_ended && connection.to_send.empty()) return end(handle, behaviour_.reset_at_peers_end);
  return true;
}

bool SmallServer::receive(int handle, Connection& connection) {
  std::array<char, 65536> space;
  const ssize_t received = recv(handle, space.data(), space.size(), 0);
  if (received < 0) return errno == EAGAIN;
  if (received == 0) connection.peer_ended = true;
  received_ += static_cast<std::uint64_t>(received);
  if (!behaviour_.answers) return true;
  const std::size_t offset = connection.echoed + connection.to_send.size();
  connection.to_send.insert(connection.to_send.end(), space.data(), space.data() + received);
  if (behaviour_.flip_at && *behaviour_.flip_at >= offset) {
    const std::size_t place = *behaviour_.flip_at - offset;
    if (place < static_cast<std::size_t>(received))
      connection.to_send[connection.to_send.size() - static_cast<std::size_t>(received) + place] ^= 1;
  }
  return true;
}

bool SmallServer::send(int handle, Connection& connection) {
  std::size_t size = connection.to_send.size();
  if (behaviour_.end_after) size = std::min(size, *behaviour_.end_after - connection.echoed);
  if (size == 0) return true;
  const ssize_t sent = ::send(handle, connection.to_send.data(), size, MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN;
  connection.echoed += static_cast<std::size_t>(sent);
  connection.to_send.erase(connection.to_send.begin(), connection.to_send.begin() + sent);
  return true;
}

/// Prepares the close that follows; returns false, for "over".
bool SmallServer::end(int handle, bool reset) {
  if (reset) {
    const linger at_once{1, 0};
    setsockopt(handle, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    return false;
  }
  // A close with unread input resets; the end must come in order.
  shutdown(handle, SHUT_WR);
  std::array<char, 65536> space;
  while (recv(handle, space.data(), space.size(), 0) > 0) {
  }
  return false;
}

RefusingPort::RefusingPort() : handle_{bound_socket()} {}
RefusingPort::~RefusingPort() {
  close(handle_);
}
stress::SocketAddress RefusingPort::address() const {
  return loopback(port_of(handle_));
}
std::string RefusingPort::name() const {
  return "127.0.0.1:" + std::to_string(port_of(handle_));
}

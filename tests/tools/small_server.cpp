#include "small_server.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <system_error>

namespace {

using iocpp::tests::Descriptor;
using iocpp::tests::PollEntry;
using iocpp::tests::SocketHandle;

sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void check(bool done, const char* what) {
  if (!done) throw std::runtime_error(what + (": " + iocpp::tests::socket_error_text()));
}

Descriptor bound_socket() {
  Descriptor socket{iocpp::tests::open_socket(AF_INET)};
  check(socket.is_open(), "socket");
  iocpp::tests::set_non_blocking(socket.get());
  const sockaddr_in address = loopback_address(0);
  check(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0, "bind");
  return socket;
}

std::uint16_t port_of(const Descriptor& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  check(getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  return ntohs(address.sin_port);
}

stress::SocketAddress loopback(std::uint16_t port) {
  const auto address = stress::resolve({"127.0.0.1", port});
  if (!address) throw std::logic_error("127.0.0.1 was not understood");
  return *address;
}

}  // namespace

SmallServer::SmallServer(Behaviour behaviour)
    : behaviour_{behaviour}, listener_{bound_socket()}, stop_{bound_socket()} {
  check(listen(listener_.get(), behaviour_.backlog) == 0, "listen");
  check(listen(stop_.get(), 1) == 0, "listen");
  port_ = port_of(listener_);
  thread_ = std::thread{[this] { serve(); }};
}

SmallServer::~SmallServer() {
  const Descriptor stopper{iocpp::tests::open_socket(AF_INET)};
  const sockaddr_in address = loopback_address(port_of(stop_));
  connect(stopper.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  thread_.join();
  for (const auto& [handle, connection] : connections_) iocpp::tests::close_socket(handle);
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
    std::vector<PollEntry> polled{{stop_.get(), POLLIN, 0}};
    for (const auto& [handle, connection] : connections_) {
      const int input = behaviour_.reads && !connection.peer_ended ? POLLIN : 0;
      polled.push_back({handle, static_cast<short>(input | (connection.to_send.empty() ? 0 : POLLOUT)), 0});
    }
    if (accepting) polled.push_back({listener_.get(), POLLIN, 0});
    if (iocpp::tests::poll_sockets(polled.data(), polled.size(), -1) < 0) continue;
    if (polled[0].revents != 0) return;
    for (std::size_t i = 1; i < polled.size() - (accepting ? 1U : 0U); ++i) {
      if (polled[i].revents == 0) continue;
      const auto found = connections_.find(polled[i].fd);
      if (serve_connection(found->first, found->second)) continue;
      iocpp::tests::close_socket(found->first);
      connections_.erase(found);
    }
    if (accepting && polled.back().revents != 0) accept_one();
  }
}

void SmallServer::accept_one() {
  const SocketHandle handle = accept(listener_.get(), nullptr, nullptr);
  if (handle == iocpp::tests::no_socket) return;
  iocpp::tests::set_non_blocking(handle);
  ++accepted_;
  if (behaviour_.end_after == 0U) {
    end(handle, behaviour_.end == Behaviour::End::reset);
    iocpp::tests::close_socket(handle);
  } else {
    const std::string& greeting = behaviour_.greeting;
    connections_.emplace(handle, Connection{.to_send = {greeting.begin(), greeting.end()}});
  }
}

bool SmallServer::serve_connection(SocketHandle handle, Connection& connection) {
  if (behaviour_.reads && !receive(handle, connection)) return false;
  if (!send(handle, connection)) return false;
  if (behaviour_.end_after && connection.echoed == *behaviour_.end_after) {
    return end(handle, behaviour_.end == Behaviour::End::reset);
  }
  if (connection.peer_ended && connection.to_send.empty()) return end(handle, behaviour_.reset_at_peers_end);
  return true;
}

bool SmallServer::receive(SocketHandle handle, Connection& connection) {
  std::array<char, 65536> space;
  const std::ptrdiff_t received = iocpp::tests::receive_bytes(handle, space.data(), space.size());
  if (received < 0) return iocpp::tests::socket_error() == iocpp::tests::error_would_block;
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

bool SmallServer::send(SocketHandle handle, Connection& connection) {
  std::size_t size = connection.to_send.size();
  if (behaviour_.end_after) size = std::min(size, *behaviour_.end_after - connection.echoed);
  if (size == 0) return true;
  const std::ptrdiff_t sent = iocpp::tests::send_bytes(handle, connection.to_send.data(), size);
  if (sent < 0) return iocpp::tests::socket_error() == iocpp::tests::error_would_block;
  connection.echoed += static_cast<std::size_t>(sent);
  connection.to_send.erase(connection.to_send.begin(), connection.to_send.begin() + sent);
  return true;
}

/// Prepares the close that follows; returns false, for "over".
bool SmallServer::end(SocketHandle handle, bool reset) {
  if (reset) {
    iocpp::tests::reset_at_close(handle);
    return false;
  }
  // A close with unread input resets; the end must come in order.
  shutdown(handle, iocpp::tests::shut_send);
  std::array<char, 65536> space;
  while (iocpp::tests::receive_bytes(handle, space.data(), space.size()) > 0) {
  }
  return false;
}

RefusingPort::RefusingPort() : handle_{bound_socket()} {}
RefusingPort::~RefusingPort() = default;
stress::SocketAddress RefusingPort::address() const {
  return loopback(port_of(handle_));
}
std::string RefusingPort::name() const {
  return "127.0.0.1:" + std::to_string(port_of(handle_));
}

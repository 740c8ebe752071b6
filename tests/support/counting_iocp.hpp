// Completion ports that count the system calls which the port makes.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "support/iocp_on_linux.hpp"

namespace iocpp::tests {

/// By the names of the system. It outlives the port.
using IocpCalls = std::map<std::string, int>;

class CountingIocp : public IocpOnLinux {
 public:
  explicit CountingIocp(IocpCalls* calls) : IocpOnLinux{{.at_once = true, .skips_packets = true}}, calls_{*calls} {}

  template <class... Arguments>
  int associate(Arguments&&... arguments) {
    return count("CreateIoCompletionPort", &IocpOnLinux::associate, arguments...);
  }
  template <class... Arguments>
  int wait(Arguments&&... arguments) {
    return count("GetQueuedCompletionStatusEx", &IocpOnLinux::wait, arguments...);
  }
  template <class... Arguments>
  int skip_packet_on_success(Arguments&&... arguments) {
    return count("SetFileCompletionNotificationModes", &IocpOnLinux::skip_packet_on_success, arguments...);
  }
  template <class... Arguments>
  int family_of(Arguments&&... arguments) {
    return count("getsockname", &IocpOnLinux::family_of, arguments...);
  }
  template <class... Arguments>
  NativeHandle make_socket(Arguments&&... arguments) {
    return count("WSASocketW", &IocpOnLinux::make_socket, arguments...);
  }
  template <class... Arguments>
  int accept(Arguments&&... arguments) {
    return count("AcceptEx", &IocpOnLinux::accept, arguments...);
  }
  template <class... Arguments>
  int update_accept_context(Arguments&&... arguments) {
    return count("setsockopt(SO_UPDATE_ACCEPT_CONTEXT)", &IocpOnLinux::update_accept_context, arguments...);
  }
  template <class... Arguments>
  int receive(Arguments&&... arguments) {
    return count("WSARecv", &IocpOnLinux::receive, arguments...);
  }
  template <class... Arguments>
  int receive_now(Arguments&&... arguments) {
    return count("recv", &IocpOnLinux::receive_now, arguments...);
  }
  template <class... Arguments>
  int send(Arguments&&... arguments) {
    return count("WSASend", &IocpOnLinux::send, arguments...);
  }
  template <class... Arguments>
  int cancel(Arguments&&... arguments) {
    return count("CancelIoEx", &IocpOnLinux::cancel, arguments...);
  }
  template <class... Arguments>
  int set_nonblocking(Arguments&&... arguments) {
    return count("ioctlsocket(FIONBIO)", &IocpOnLinux::set_nonblocking, arguments...);
  }
  template <class... Arguments>
  int set_nodelay(Arguments&&... arguments) {
    return count("setsockopt(TCP_NODELAY)", &IocpOnLinux::set_nodelay, arguments...);
  }
  template <class... Arguments>
  int set_keepalive(Arguments&&... arguments) {
    return count("WSAIoctl(SIO_KEEPALIVE_VALS)", &IocpOnLinux::set_keepalive, arguments...);
  }
  template <class... Arguments>
  void end_stream(Arguments&&... arguments) {
    return count("shutdown", &IocpOnLinux::end_stream, arguments...);
  }
  template <class... Arguments>
  void reset_on_close(Arguments&&... arguments) {
    return count("setsockopt(SO_LINGER)", &IocpOnLinux::reset_on_close, arguments...);
  }
  template <class... Arguments>
  void close_now(Arguments&&... arguments) {
    return count("closesocket", &IocpOnLinux::close_now, arguments...);
  }

 private:
  template <class Call, class... Arguments>
  auto count(const char* name, Call call, Arguments&&... arguments) {
    ++calls_[name];
    return (static_cast<IocpOnLinux*>(this)->*call)(std::forward<Arguments>(arguments)...);
  }

  IocpCalls& calls_;
};

}  // namespace iocpp::tests

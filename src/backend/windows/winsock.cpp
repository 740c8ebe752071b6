#include "backend/windows/winsock.hpp"

#include <winsock2.h>

namespace iocpp::windows {

int start_winsock() noexcept {
  // Without WSACleanup: sockets of others in this process may be open still, and the process's end does it too.
  static const int error = [] {
    WSADATA about{};
    return ::WSAStartup(MAKEWORD(2, 2), &about);
  }();
  return error;
}

}  // namespace iocpp::windows

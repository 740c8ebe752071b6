// What Linux knows of those who wait to be accepted, and of those it has dropped.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fstream>
#include <sstream>
#include <string>

#include "backend/listening.hpp"

namespace iocpp::backend {

/// Of a listener, TCP_INFO has its accept queue in two fields that mean something else for a connection (measured, and
/// Linux, tcp_get_info). A number that is somebody else's by now is no listener's, or another one's of ours.
std::optional<AcceptQueue> accept_queue(NativeHandle listener) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (listener == no_handle || ::getsockopt(static_cast<int>(listener), IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
      info.tcpi_state != TCP_LISTEN)
    return std::nullopt;
  return AcceptQueue{.depth = info.tcpi_unacked, .most = info.tcpi_sacked};
}

/// Lines in pairs: names, then numbers, each after the name of the group.
std::optional<AcceptDrops> accept_drops() {
  std::ifstream file{"/proc/net/netstat"};
  std::string names;
  std::string numbers;
  while (std::getline(file, names) && std::getline(file, numbers)) {
    if (!names.starts_with("TcpExt:")) continue;
    std::istringstream name_words{names};
    std::istringstream number_words{numbers};
    AcceptDrops drops;
    std::string name;
    std::string number;
    while (name_words >> name && number_words >> number) {
      if (name == "ListenOverflows") drops.overflows = std::stoull(number);
      if (name == "ListenDrops") drops.drops = std::stoull(number);
    }
    return drops;
  }
  return std::nullopt;
}

}  // namespace iocpp::backend

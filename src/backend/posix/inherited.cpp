// Sockets that listened before this server was made.
#include <fcntl.h>

#include <string>
#include <system_error>

#include "backend/listening.hpp"
#include "backend/posix/listening_socket.hpp"
#include "backend/posix/socket_address.hpp"
#include "iocpp/error.hpp"

namespace iocpp {
namespace {

[[noreturn]] void refuse(int handle, const std::string& fault) {
  throw std::system_error(make_error_code(errc::invalid_argument),
                          "Listen::inherited: handle " + std::to_string(handle) + ": " + fault);
}

}  // namespace

backend::ListeningSockets backend::inherit(const Listen& where) {
  ListeningSockets sockets{.address = {}, .handles = {}, .origin = Origin::inherited};
  for (const std::intptr_t inherited : where.inherited) {
    const int handle = static_cast<int>(inherited);
    if (const std::string fault = posix::fault_of_listener(handle); !fault.empty()) refuse(handle, fault);
    Address address;
    posix::local_name(handle, address);
    if (sockets.handles.empty()) sockets.address = address;
    if (address != sockets.address) {
      refuse(handle, "listens on " + address.to_string() + ", those before it on " + sockets.address.to_string() +
                         "; one Listen has one address");
    }
    ::fcntl(handle, F_SETFD, FD_CLOEXEC);
    ::fcntl(handle, F_SETFL, O_NONBLOCK);
    sockets.handles.push_back(handle);
  }
  return sockets;
}

}  // namespace iocpp

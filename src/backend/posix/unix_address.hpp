// Addresses of Unix sockets, and what it takes to bind one: a path outlives the server that listened on it. unix(7).
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>
#include <string_view>

#include "backend/posix/descriptor.hpp"

namespace iocpp::posix {

struct UnixAddress {
  sockaddr_un native{};
  socklen_t length = 0;
  bool abstract = false;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&native); }
  const char* path() const noexcept { return native.sun_path; }
};

/// A path, or an abstract `@name`: its first byte is 0 then, and it ends with its length. Throws `std::system_error`
/// whose text begins with `option` where it does not fit.
UnixAddress unix_address(std::string_view name, bool abstract, const std::string& option);

/// Of two servers that find the same stale path, the second would remove the first one's new socket. So they take
/// turns, by a lock on the folder; where there can be none they do not.
Descriptor lock_folder(const UnixAddress& address) noexcept;

/// Binds; a path on which nobody listens any more is replaced. False: errno says why.
bool bind_anew(int socket, const UnixAddress& address) noexcept;

}  // namespace iocpp::posix

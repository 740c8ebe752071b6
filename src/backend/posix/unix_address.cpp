#include "backend/posix/unix_address.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <system_error>
#include <thread>

#include "iocpp/error.hpp"

namespace iocpp::posix {
namespace {

/// A socket's file that nobody listens on: a server that ended without removing it.
bool is_stale(const UnixAddress& address) noexcept {
  struct stat file {};
  if (address.abstract || ::lstat(address.path(), &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  const Descriptor probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  return probe.get() >= 0 && ::connect(probe.get(), address.get(), address.length) != 0 && errno == ECONNREFUSED;
}

}  // namespace

UnixAddress unix_address(std::string_view name, bool abstract, const std::string& option) {
  UnixAddress address;
  address.abstract = abstract;
  const bool fits = name.size() > (abstract ? 1 : 0) && name.size() < sizeof address.native.sun_path &&
                    name.find('\0') == std::string_view::npos;
  if (!fits) {
    throw std::system_error(make_error_code(errc::invalid_argument), option + ": not a path or name of 1 to 107 bytes");
  }
  address.native.sun_family = AF_UNIX;
  std::memcpy(address.native.sun_path, name.data(), name.size());
  if (abstract) address.native.sun_path[0] = '\0';
  const std::size_t end = abstract ? 0 : 1;
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + end);
  return address;
}

Descriptor lock_folder(const UnixAddress& address) noexcept {
  if (address.abstract) return Descriptor{-1};
  const std::string path = address.path();
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  Descriptor locked{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  // Whoever may read the folder may hold its lock for ever: then it is done without.
  constexpr int tries = 20;
  for (int tried = 0; locked.get() >= 0 && tried < tries && ::flock(locked.get(), LOCK_EX | LOCK_NB) != 0; ++tried)
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  return locked;
}

bool bind_anew(int socket, const UnixAddress& address) noexcept {
  if (::bind(socket, address.get(), address.length) == 0) return true;
  if (errno != EADDRINUSE) return false;
  if (!is_stale(address) || ::unlink(address.path()) != 0) {
    errno = EADDRINUSE;
    return false;
  }
  return ::bind(socket, address.get(), address.length) == 0;
}

}  // namespace iocpp::posix

#include "backend/posix/unix_listening.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include "backend/posix/descriptor.hpp"
#include "iocpp/error.hpp"

namespace iocpp {
namespace posix {
namespace {

constexpr std::string_view prefix = "unix:";

struct UnixAddress {
  sockaddr_un native{};
  socklen_t length = 0;
  bool abstract = false;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&native); }
  const char* path() const noexcept { return native.sun_path; }
};

/// `unix:/path`, or `unix:@name` for an abstract one: its first byte is 0 then, and it ends with its length.
UnixAddress parse(const std::string& host) {
  const std::string_view name = std::string_view{host}.substr(prefix.size());
  UnixAddress address;
  address.abstract = name.starts_with('@');
  const bool fits = name.size() > (address.abstract ? 1 : 0) && name.size() < sizeof address.native.sun_path &&
                    name.find('\0') == std::string_view::npos;
  if (!fits) {
    throw std::system_error(make_error_code(errc::invalid_argument),
                            "Listen::host '" + host + "': not a path, or @name, of 1 to 107 bytes after unix:");
  }
  address.native.sun_family = AF_UNIX;
  std::memcpy(address.native.sun_path, name.data(), name.size());
  if (address.abstract) address.native.sun_path[0] = '\0';
  const std::size_t end = address.abstract ? 0 : 1;
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + end);
  return address;
}

/// Of two servers that find the same stale path, the second would remove the first one's new socket. So they take
/// turns, by a lock on the folder; where there can be none they do not.
Descriptor lock_folder(const UnixAddress& address) noexcept {
  if (address.abstract) return Descriptor{-1};
  const std::string path = address.path();
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  Descriptor locked{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (locked.get() >= 0) ::flock(locked.get(), LOCK_EX);
  return Descriptor{locked.release()};
}

/// A socket's file that nobody listens on: a server that ended without removing it.
bool is_stale(const UnixAddress& address) noexcept {
  struct stat file {};
  if (address.abstract || ::lstat(address.path(), &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  Descriptor probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  return probe.get() >= 0 && ::connect(probe.get(), address.get(), address.length) != 0 && errno == ECONNREFUSED;
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

/// A listening socket, or -1 and errno.
int open_listener(const UnixAddress& address, unsigned permissions, const Options& options) noexcept {
  Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (socket.get() < 0 || !set_buffers(socket.get(), options)) return -1;
  const Descriptor lock = lock_folder(address);
  if (!bind_anew(socket.get(), address)) return -1;
  // Before it listens: until then nobody can connect, whatever the umask has made of it.
  const bool allowed = address.abstract || ::chmod(address.path(), permissions) == 0;
  if (allowed && ::listen(socket.get(), options.backlog) == 0) return socket.release();
  const int error = errno;
  if (!address.abstract) ::unlink(address.path());
  errno = error;
  return -1;
}

backend::FileIdentity identity_of(const UnixAddress& address) noexcept {
  struct stat file {};
  if (address.abstract || ::lstat(address.path(), &file) != 0) return {};
  return {.path = address.path(), .device = file.st_dev, .number = file.st_ino};
}

std::string advice(int error) {
  if (error == EADDRINUSE) return "another process listens there, or it is no socket";
  return error == ENOENT ? "its folder does not exist" : "can't listen";
}

}  // namespace

backend::ListeningSockets listen_on_unix(const Listen& where, const Options& options) {
  const UnixAddress address = parse(where.host);
  const int socket = open_listener(address, where.unix_permissions, options);
  if (socket < 0) {
    const int error = errno;
    throw std::system_error(native_error(error), "listen on " + where.host + ": " + advice(error));
  }
  return {.address = {}, .name = where.host, .file = identity_of(address), .handles = {socket}};
}

}  // namespace posix

namespace backend {

bool is_unix(const Listen& where) noexcept {
  return where.host.starts_with(posix::prefix);
}

NativeHandle listen_on_unix_again(const Listen& where, const Options& options, int& error) noexcept {
  try {
    return posix::listen_on_unix(where, options).handles.front();
  } catch (const std::system_error& failure) {
    error = failure.code().value();
  } catch (...) {
    error = ENOMEM;
  }
  return no_handle;
}

void remove_socket_file(const FileIdentity& file) noexcept {
  struct stat now {};
  if (file.path.empty() || ::lstat(file.path.c_str(), &now) != 0) return;
  // Somebody else's by now: a successor has taken the path.
  if (now.st_dev == file.device && now.st_ino == file.number) ::unlink(file.path.c_str());
}

}  // namespace backend
}  // namespace iocpp

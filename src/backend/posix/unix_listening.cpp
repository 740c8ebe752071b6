#include "backend/posix/unix_listening.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "backend/posix/descriptor.hpp"
#include "backend/posix/unix_address.hpp"
#include "iocpp/error.hpp"

namespace iocpp {
namespace posix {
namespace {

constexpr std::string_view prefix = "unix:";

/// A listening socket, or -1 and errno.
int open_listener(const UnixAddress& address, unsigned permissions, const Options& options) noexcept {
  Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
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

std::int64_t changed_at(const struct stat& file) noexcept {
  return std::int64_t{file.st_ctim.tv_sec} * 1'000'000'000 + file.st_ctim.tv_nsec;
}

backend::FileIdentity identity_of(const UnixAddress& address) noexcept {
  struct stat file {};
  if (address.abstract || ::lstat(address.path(), &file) != 0) return {};
  return {.path = address.path(), .device = file.st_dev, .number = file.st_ino, .changed = changed_at(file)};
}

std::string advice(int error) {
  if (error == EADDRINUSE) return "somebody listens there, another process or this program itself";
  return error == ENOENT ? "its folder does not exist" : "can't listen";
}

}  // namespace

backend::ListeningSockets listen_on_unix(const Listen& where, const Options& options) {
  const std::string_view name = std::string_view{where.host}.substr(prefix.size());
  const UnixAddress address = unix_address(name, name.starts_with('@'), "Listen::host '" + where.host + "'");
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

NativeHandle listen_on_unix_again(const Listen& where, const Options& options, FileIdentity& file,
                                  int& error) noexcept {
  try {
    ListeningSockets made = posix::listen_on_unix(where, options);
    file = std::move(made.file);
    return made.handles.front();
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
  if (now.st_dev == file.device && now.st_ino == file.number && posix::changed_at(now) == file.changed)
    ::unlink(file.path.c_str());
}

}  // namespace backend
}  // namespace iocpp

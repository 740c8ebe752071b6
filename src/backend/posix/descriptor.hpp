// A descriptor that somebody owns, and the options of one that is a socket.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "iocpp/options.hpp"

namespace iocpp::posix {

/// Closes unless released.
class Descriptor {
 public:
  explicit Descriptor(int descriptor = -1) noexcept : descriptor_{descriptor} {}
  Descriptor(Descriptor&& other) noexcept : descriptor_{other.release()} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const noexcept { return descriptor_; }
  int release() noexcept { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

inline bool set(int socket, int level, int name, int value) noexcept {
  return ::setsockopt(socket, level, name, &value, sizeof value) == 0;
}

inline bool set_buffers(int socket, const Options& options) noexcept {
  bool done = true;
  if (options.socket_receive_buffer != 0)
    done = set(socket, SOL_SOCKET, SO_RCVBUF, static_cast<int>(options.socket_receive_buffer));
  if (options.socket_send_buffer != 0)
    done = done && set(socket, SOL_SOCKET, SO_SNDBUF, static_cast<int>(options.socket_send_buffer));
  return done;
}

}  // namespace iocpp::posix

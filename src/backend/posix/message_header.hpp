// struct msghdr (sendmsg(2)) by the project's own names, so that ports need no header of the system.
#pragma once

#include <cstddef>
#include <cstdint>

namespace iocpp::posix {

/// Its iovecs are core::Buffer. The layouts are checked where the system's headers are seen.
struct MessageHeader {
  void* name = nullptr;
  std::uint32_t name_length = 0;
  const void* buffers = nullptr;
  std::size_t buffer_count = 0;
  void* control = nullptr;
  std::size_t control_length = 0;
  int flags = 0;
};

}  // namespace iocpp::posix

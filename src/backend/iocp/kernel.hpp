// What I/O completion ports are made of, by the project's own names, so that the backend needs no header of the system.
// The layouts are checked where the system's headers are seen (sys.cpp).
#pragma once

#include <cstddef>
#include <cstdint>

namespace iocpp::iocp::kernel {

/// OVERLAPPED (minwinbase.h): the system writes `status` and `bytes` when the operation ends.
struct Overlapped {
  std::uintptr_t status = 0;
  std::uintptr_t bytes = 0;
  std::uint32_t offset = 0;
  std::uint32_t offset_high = 0;
  void* event = nullptr;
};

/// WSABUF (ws2def.h).
struct Buffer {
  std::uint32_t size;
  const std::byte* bytes;
};

/// OVERLAPPED_ENTRY (minwinbase.h): a packet of the port. `overlapped` is null for a packet that
/// PostQueuedCompletionStatus made.
struct Entry {
  std::uintptr_t key;
  Overlapped* overlapped;
  std::uintptr_t reserved;
  std::uint32_t bytes;
};

inline constexpr int io_pending = 997;            // ERROR_IO_PENDING
inline constexpr int wait_timeout = 258;          // WAIT_TIMEOUT
inline constexpr int invalid_parameter = 87;      // CreateIoCompletionPort: the handle belongs to a port already
inline constexpr std::size_t address_bytes = 44;  // AcceptEx: the largest address (IPv6) and 16 more

}  // namespace iocpp::iocp::kernel

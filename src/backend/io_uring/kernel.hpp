// What io_uring's interface is made of, by the project's own names, so that the backend needs no header of the system.
// Values: include/uapi/linux/io_uring.h. Those newer than liburing 2.3 are probed at run time, never assumed.
#pragma once

#include <cstdint>

namespace iocpp::io_uring::kernel {

// io_uring_setup(2)
inline constexpr unsigned setup_coop_taskrun = 1U << 8;    // 5.19
inline constexpr unsigned setup_single_issuer = 1U << 12;  // 6.0
inline constexpr unsigned setup_defer_taskrun = 1U << 13;  // 6.1

// io_uring_register_buf_ring(3): a buffer is used up piece by piece, by several receives. 6.12; EINVAL before.
inline constexpr std::uint16_t buffer_ring_incremental = 2;

// Flags of a completion entry.
inline constexpr std::uint32_t entry_has_buffer = 1U << 0;
inline constexpr std::uint32_t entry_more = 1U << 1;
inline constexpr std::uint32_t entry_buffer_more = 1U << 4;  // with buffer_ring_incremental: the buffer is not used up
inline constexpr unsigned entry_buffer_shift = 16;

// Operations, io_uring_enter(2).
inline constexpr int operation_poll_add = 6;
inline constexpr int operation_sendmsg = 9;
inline constexpr int operation_accept = 13;
inline constexpr int operation_async_cancel = 14;
inline constexpr int operation_close = 19;
inline constexpr int operation_read = 22;
inline constexpr int operation_send = 26;
inline constexpr int operation_recv = 27;

/// How a send deals with a peer for whose bytes there is no room.
enum class SendWay : std::uint8_t {
  waits,    ///< For room, with at least a byte.
  at_once,  ///< Ends while it is submitted: with some of its bytes sent, or with EAGAIN.
  quiet,    ///< The same, and where all of them were sent it makes no entry (IOSQE_CQE_SKIP_SUCCESS, 5.17).
};

/// One completion entry.
struct Entry {
  std::uint64_t user;
  std::int32_t result;  ///< A negative errno, or the operation's result.
  std::uint32_t flags;
};

}  // namespace iocpp::io_uring::kernel

// What epoll's interface is made of, by the project's own names, so that the backend needs no header of the system.
// Values: include/uapi/linux/eventpoll.h.
#pragma once

#include <cstdint>

namespace iocpp::epoll::kernel {

// Events, and what a registration asks for (epoll_ctl(2)).
inline constexpr std::uint32_t readable = 1U << 0;
inline constexpr std::uint32_t urgent = 1U << 1;
inline constexpr std::uint32_t writable = 1U << 2;
inline constexpr std::uint32_t error = 1U << 3;          // told unasked
inline constexpr std::uint32_t hang_up = 1U << 4;        // told unasked
inline constexpr std::uint32_t peer_hang_up = 1U << 13;  // the peer has ended its stream, or both have
inline constexpr std::uint32_t edge_triggered = 1U << 31;

/// What happened to a registration since it was told last.
struct Event {
  std::uint32_t what;
  std::uint64_t user;
};

}  // namespace iocpp::epoll::kernel

// epoll's and the sockets' system calls, one line each: the seam at which tests and the simulator put another kernel.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "backend/epoll/kernel.hpp"
#include "backend/posix/handles.hpp"
#include "backend/posix/message_header.hpp"

namespace iocpp::epoll {

/// Every decision is in `Port`; here is none. Functions that return int answer a negative errno or the call's result.
/// One thread, but `wake`.
class Sys : public posix::Handles {
 public:
  Sys() = default;  // throws std::system_error when there is no handle for the doorbell
  Sys(const Sys&) = delete;
  Sys& operator=(const Sys&) = delete;

  int setup() noexcept;
  void teardown() noexcept;

  int watch(int handle, std::uint32_t events, std::uint64_t user) noexcept;
  void unwatch(int handle) noexcept;
  int watch_doorbell(std::uint32_t events, std::uint64_t user) noexcept;

  /// How many events there are, for `each_event`. None: for ever.
  int wait(std::optional<std::chrono::nanoseconds> timeout) noexcept;  ///< epoll_pwait2, Linux 5.11
  int wait_coarsely(int milliseconds) noexcept;                        ///< -1: for ever
  template <class Each>
  void each_event(int count, Each&& each) noexcept;

  // None of them waits.
  int make_non_blocking(int listener) noexcept;
  int accept(int listener) noexcept;
  int accept_now(int listener) noexcept;
  int receive(int socket, std::byte* bytes, std::size_t size) noexcept;
  int send(int socket, const std::byte* bytes, std::size_t size) noexcept;
  int send_gathered(int socket, const posix::MessageHeader& header) noexcept;
  int close(int socket) noexcept;
  int close_into_reserve(int handle) noexcept { return doorbell_.close_into_copy(handle); }
  void wake() noexcept { doorbell_.ring(); }

 private:
  posix::Doorbell doorbell_;
  int epoll_ = -1;
  std::array<epoll_event, 512> events_;
};

template <class Each>
void Sys::each_event(int count, Each&& each) noexcept {
  for (int at = 0; at < count; ++at) {
    const epoll_event& event = events_[static_cast<std::size_t>(at)];
    each(kernel::Event{event.events, event.data.u64});
  }
}

}  // namespace iocpp::epoll

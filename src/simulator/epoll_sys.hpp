// epoll, simulated: a `Sys` for epoll::Port with the members of epoll::Sys and the kernel's habits.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "backend/epoll/kernel.hpp"
#include "backend/posix/message_header.hpp"
#include "simulator/posix_calls.hpp"

namespace iocpp::simulator {

/// What has changed on a registered socket is told once, with all that is the case when it is told; again and again
/// where the registration is not edge-triggered.
class EpollSys : public PosixCalls, public Kernel, public Observer {
 public:
  EpollSys(Machine& machine, unsigned loop);

  int setup() noexcept { return 0; }
  void teardown() noexcept {}

  int watch(int handle, std::uint32_t events, std::uint64_t user);
  void unwatch(int handle) noexcept;
  int watch_doorbell(std::uint32_t events, std::uint64_t user);

  int wait(std::optional<std::chrono::nanoseconds> timeout);
  int wait_coarsely(int milliseconds);
  template <class Each>
  void each_event(int count, Each&& each) {
    for (int at = 0; at < count; ++at) each(events_[static_cast<std::size_t>(at)]);
  }

  int make_non_blocking(int listener);
  int accept(int listener) { return accept_from_handle(listener, true); }
  int receive(int socket, std::byte* bytes, std::size_t size);
  int send(int socket, const std::byte* bytes, std::size_t size);
  int send_gathered(int socket, const posix::MessageHeader& header);
  int close(int socket);
  void wake() noexcept;

  // For whoever runs the loop.
  bool idle() const noexcept { return idle_; }
  bool has_something() noexcept;
  std::uint64_t handed_out() const noexcept { return handed_out_; }
  /// Nothing is ever in flight in this kernel.
  std::uint64_t in_flight() const noexcept { return 0; }
  bool listens(NativeHandle listener) noexcept;
  unsigned accepts_of(NativeHandle) noexcept { return 0; }

  void step(std::uint32_t, std::uint32_t) override {}
  void changed(std::uint32_t socket) override;

 protected:
  /// Where events leave the kernel: tests of the checker lose them here.
  virtual bool tells(const epoll::kernel::Event&) { return true; }

 private:
  struct Registration {
    std::uint32_t generation = 0;  ///< Of the socket; another one has no registration.
    std::uint32_t events = 0;
    std::uint64_t user = 0;
    bool listed = false;  ///< It is to be told.
  };

  Registration* registration(std::uint32_t socket) noexcept;
  const Registration* some_idle();
  Socket* stream(int handle) noexcept;
  std::uint32_t state_of(const Socket& socket);
  int collect();
  int sleep(TimePoint until);

  std::vector<Registration> registrations_;  // by socket
  std::vector<std::uint32_t> changed_;       // sockets, oldest first
  std::array<epoll::kernel::Event, 512> events_;
  std::uint64_t doorbell_user_ = 0;
  std::uint64_t handed_out_ = 0;
  std::atomic<bool> rung_{false};
  bool idle_ = false;
};

}  // namespace iocpp::simulator

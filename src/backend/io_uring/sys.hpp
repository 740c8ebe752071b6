// io_uring's and the sockets' system calls, one line each: the seam at which tests and the simulator put another
// kernel.
#pragma once

#include <liburing.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "backend/io_uring/kernel.hpp"
#include "backend/posix/handles.hpp"
#include "backend/posix/message_header.hpp"

namespace iocpp::io_uring {

using kernel::SendWay;

/// Every decision is in `Port`; here is none. Functions that return int answer a negative errno or the call's result.
/// The posting ones answer false when the submission queue is full. One thread, but `wake`.
class Sys : public posix::Handles {
 public:
  Sys() = default;  // throws std::system_error when there is no handle for the doorbell
  Sys(const Sys&) = delete;
  Sys& operator=(const Sys&) = delete;

  int setup(unsigned entries, unsigned completions, unsigned flags) noexcept;
  void teardown() noexcept;
  /// Calls `each(bool supported)` for each of the operations. False: the kernel can't be asked.
  template <class Operations, class Each>
  bool ask_for(const Operations& operations, Each&& each) noexcept;

  // Posting.
  bool accept(int listener, bool multishot, std::uint64_t user) noexcept;
  bool poll(int listener, std::uint64_t user) noexcept;
  bool receive(int socket, std::uint16_t group, bool multishot, std::uint64_t user) noexcept;
  bool send(int socket, const void* bytes, std::size_t size, SendWay way, std::uint64_t user) noexcept;
  bool send_gathered(int socket, const posix::MessageHeader& header, SendWay way, std::uint64_t user) noexcept;
  bool cancel_all(std::uint64_t target, std::uint64_t user) noexcept;
  /// Whatever is in flight.
  bool cancel_any(std::uint64_t user) noexcept;
  bool close(int socket, std::uint64_t user) noexcept;
  bool read_doorbell(std::uint64_t user) noexcept;

  // Crossing.
  int submit() noexcept;
  int submit_and_wait(std::optional<std::chrono::nanoseconds> timeout) noexcept;
  /// Fetches what has ended or overflowed; submits nothing, waits for nothing.
  void get_events() noexcept;
  bool completions_overflowed() const noexcept;
  /// Entries that were lost so far: the ring had overflowed, and there was no memory to keep them in.
  std::uint32_t entries_lost() const noexcept;
  bool has_submissions() const noexcept;
  bool has_entries() const noexcept;
  /// Calls `each(const Entry&)` for up to `most` entries, and takes them.
  template <class Each>
  void reap(unsigned most, Each&& each) noexcept;

  // The ring of receive buffers.
  int register_buffers(unsigned entries, std::uint16_t group, bool incremental) noexcept;
  void unregister_buffers(std::uint16_t group) noexcept;
  void provide_buffer(std::byte* bytes, std::size_t size, std::uint16_t id, unsigned position) noexcept;
  void publish_buffers(unsigned count) noexcept;

  // At once.
  int accept_now(int listener) noexcept;
  int close_into_reserve(int handle) noexcept { return doorbell_.close_into_copy(handle); }
  void wake() noexcept { doorbell_.ring(); }

 private:
  void free_buffer_ring() noexcept;

  ::io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  unsigned buffer_entries_ = 0;
  posix::Doorbell doorbell_;
  std::uint64_t doorbell_count_ = 0;
};

template <class Operations, class Each>
bool Sys::ask_for(const Operations& operations, Each&& each) noexcept {
  io_uring_probe* probe = io_uring_get_probe_ring(&ring_);
  if (probe == nullptr) return false;
  for (const int operation : operations) each(io_uring_opcode_supported(probe, operation) != 0);
  io_uring_free_probe(probe);
  return true;
}

template <class Each>
void Sys::reap(unsigned most, Each&& each) noexcept {
  unsigned head = 0;
  unsigned taken = 0;
  io_uring_cqe* entry = nullptr;
  io_uring_for_each_cqe(&ring_, head, entry) {
    if (taken == most) break;
    each(kernel::Entry{entry->user_data, entry->res, entry->flags});
    ++taken;
  }
  io_uring_cq_advance(&ring_, taken);
}

}  // namespace iocpp::io_uring

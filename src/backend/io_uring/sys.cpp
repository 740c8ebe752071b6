#include "backend/io_uring/sys.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

#include "backend/posix/listening_socket.hpp"

namespace iocpp::io_uring {

static_assert(kernel::setup_coop_taskrun == IORING_SETUP_COOP_TASKRUN);
static_assert(kernel::setup_single_issuer == IORING_SETUP_SINGLE_ISSUER);
static_assert(kernel::setup_defer_taskrun == IORING_SETUP_DEFER_TASKRUN);
static_assert(kernel::entry_has_buffer == IORING_CQE_F_BUFFER && kernel::entry_more == IORING_CQE_F_MORE);
static_assert(kernel::entry_buffer_shift == IORING_CQE_BUFFER_SHIFT);
static_assert(kernel::operation_poll_add == IORING_OP_POLL_ADD && kernel::operation_sendmsg == IORING_OP_SENDMSG);
static_assert(kernel::operation_accept == IORING_OP_ACCEPT && kernel::operation_close == IORING_OP_CLOSE);
static_assert(kernel::operation_async_cancel == IORING_OP_ASYNC_CANCEL && kernel::operation_read == IORING_OP_READ);
static_assert(kernel::operation_send == IORING_OP_SEND && kernel::operation_recv == IORING_OP_RECV);

namespace {

__kernel_timespec timespec_of(std::chrono::nanoseconds time) noexcept {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {.tv_sec = seconds.count(), .tv_nsec = (time - seconds).count()};
}

std::size_t buffer_ring_bytes(unsigned entries) noexcept {
  return entries * sizeof(io_uring_buf);
}

}  // namespace

int Sys::setup(unsigned entries, unsigned completions, unsigned flags) noexcept {
  io_uring_params parameters{};
  parameters.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  parameters.cq_entries = completions;
  const int error = io_uring_queue_init_params(entries, &ring_, &parameters);
  if (error == 0) io_uring_register_ring_fd(&ring_);  // saves a look-up a call; without it all works the same
  return error;
}

void Sys::teardown() noexcept {
  io_uring_queue_exit(&ring_);
  free_buffer_ring();
}

void Sys::free_buffer_ring() noexcept {
  if (buffers_ != nullptr) ::munmap(buffers_, buffer_ring_bytes(buffer_entries_));
  buffers_ = nullptr;
}

namespace {

/// The next free submission entry, filled by `fill`.
template <class Fill>
bool post(::io_uring& ring, std::uint64_t user, Fill&& fill) noexcept {
  io_uring_sqe* entry = io_uring_get_sqe(&ring);
  if (entry == nullptr) return false;
  fill(entry);
  io_uring_sqe_set_data64(entry, user);
  return true;
}

// MSG_DONTWAIT: an operation that finds no room is not tried again by the kernel but ends (io_uring's REQ_F_NOWAIT).
// MSG_WAITALL: less than all is a failure, which makes an entry though success makes none.
int send_flags(SendWay way) noexcept {
  switch (way) {
    case SendWay::waits:
      return MSG_NOSIGNAL;
    case SendWay::at_once:
      return MSG_NOSIGNAL | MSG_DONTWAIT;
    case SendWay::quiet:
      break;
  }
  return MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL;
}

}  // namespace

bool Sys::accept(int listener, bool multishot, std::uint64_t user) noexcept {
  const auto prepare = multishot ? io_uring_prep_multishot_accept : io_uring_prep_accept;
  return post(ring_, user, [&](io_uring_sqe* entry) { prepare(entry, listener, nullptr, nullptr, SOCK_CLOEXEC); });
}

bool Sys::poll(int listener, std::uint64_t user) noexcept {
  return post(ring_, user, [&](io_uring_sqe* entry) { io_uring_prep_poll_add(entry, listener, POLLIN); });
}

bool Sys::receive(int socket, std::uint16_t group, bool multishot, std::uint64_t user) noexcept {
  return post(ring_, user, [&](io_uring_sqe* entry) {
    io_uring_prep_recv(entry, socket, nullptr, 0, 0);
    entry->ioprio = multishot ? IORING_RECV_MULTISHOT : 0;
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = group;
  });
}

bool Sys::send(int socket, const void* bytes, std::size_t size, SendWay way, std::uint64_t user) noexcept {
  return post(ring_, user, [&](io_uring_sqe* entry) {
    io_uring_prep_send(entry, socket, bytes, size, send_flags(way));
    entry->flags |= way == SendWay::quiet ? IOSQE_CQE_SKIP_SUCCESS : 0U;
  });
}

bool Sys::send_gathered(int socket, const posix::MessageHeader& header, SendWay way, std::uint64_t user) noexcept {
  return post(ring_, user, [&](io_uring_sqe* entry) {
    io_uring_prep_sendmsg(entry, socket, reinterpret_cast<const msghdr*>(&header),
                          static_cast<unsigned>(send_flags(way)));
  });
}

bool Sys::cancel_all(std::uint64_t target, std::uint64_t user) noexcept {
  return post(ring_, user,
              [&](io_uring_sqe* entry) { io_uring_prep_cancel64(entry, target, IORING_ASYNC_CANCEL_ALL); });
}

bool Sys::cancel_any(std::uint64_t user) noexcept {
  return post(ring_, user, [](io_uring_sqe* entry) {
    io_uring_prep_cancel(entry, nullptr, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
  });
}

bool Sys::close(int socket, std::uint64_t user) noexcept {
  return post(ring_, user, [&](io_uring_sqe* entry) { io_uring_prep_close(entry, socket); });
}

bool Sys::read_doorbell(std::uint64_t user) noexcept {
  return post(ring_, user, [&](io_uring_sqe* entry) {
    io_uring_prep_read(entry, doorbell_.descriptor(), &doorbell_count_, sizeof doorbell_count_, 0);
  });
}

int Sys::submit() noexcept {
  return io_uring_submit(&ring_);
}

int Sys::submit_and_wait(std::optional<std::chrono::nanoseconds> timeout) noexcept {
  if (!timeout) return io_uring_submit_and_wait(&ring_, 1);
  if (timeout->count() == 0) return io_uring_submit_and_get_events(&ring_);
  __kernel_timespec until = timespec_of(*timeout);
  io_uring_cqe* unused = nullptr;
  return io_uring_submit_and_wait_timeout(&ring_, &unused, 1, &until, nullptr);
}

void Sys::get_events() noexcept {
  io_uring_get_events(&ring_);
}

bool Sys::completions_overflowed() const noexcept {
  return io_uring_cq_has_overflow(&ring_);
}

std::uint32_t Sys::entries_lost() const noexcept {
  return std::atomic_ref{*ring_.cq.koverflow}.load(std::memory_order_relaxed);
}

bool Sys::has_submissions() const noexcept {
  return io_uring_sq_ready(&ring_) != 0;
}

bool Sys::has_entries() const noexcept {
  return io_uring_cq_ready(&ring_) != 0;
}

int Sys::register_buffers(unsigned entries, std::uint16_t group, bool incremental) noexcept {
  void* memory =
      ::mmap(nullptr, buffer_ring_bytes(entries), PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (memory == MAP_FAILED) return -errno;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
  registration.ring_entries = entries;
  registration.bgid = group;
  registration.pad = incremental ? kernel::buffer_ring_incremental : 0;  // "flags" since 6.12
  if (const int error = io_uring_register_buf_ring(&ring_, &registration, 0); error != 0) {
    ::munmap(memory, buffer_ring_bytes(entries));
    return error;
  }
  buffers_ = static_cast<io_uring_buf_ring*>(memory);
  buffer_entries_ = entries;
  io_uring_buf_ring_init(buffers_);
  return 0;
}

void Sys::unregister_buffers(std::uint16_t group) noexcept {
  if (buffers_ != nullptr) io_uring_unregister_buf_ring(&ring_, group);
  free_buffer_ring();
}

void Sys::provide_buffer(std::byte* bytes, std::size_t size, std::uint16_t id, unsigned position) noexcept {
  io_uring_buf_ring_add(buffers_, bytes, static_cast<unsigned>(size), id, io_uring_buf_ring_mask(buffer_entries_),
                        static_cast<int>(position));
}

void Sys::publish_buffers(unsigned count) noexcept {
  io_uring_buf_ring_advance(buffers_, static_cast<int>(count));
}

int Sys::accept_now(int listener) noexcept {
  // An accept in flight holds the socket and not its number, which may be another file's by mistake: that is left
  // alone.
  if (!posix::listens(listener)) return -ENOTSOCK;
  // For good, whoever has made it: the mode is the open socket's, which another process may share, and one of the two
  // that made it blocking again would let the other wait here. io_uring's own accepts wait all the same (since Linux
  // 5.19: before, its io_accept answered EAGAIN for such a listener).
  ::fcntl(listener, F_SETFL, O_NONBLOCK);
  const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  return accepted >= 0 ? accepted : -errno;
}

}  // namespace iocpp::io_uring

#include "ring.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace load {

namespace {

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::system_category(), what);
}

}  // namespace

Ring::Ring(unsigned entries) {
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
  parameters.cq_entries = entries * 8;
  check(io_uring_queue_init_params(entries, &ring_, &parameters), "io_uring_setup");
  io_uring_register_ring_fd(&ring_);
}

Ring::~Ring() {
  io_uring_queue_exit(&ring_);
}

io_uring_sqe& Ring::entry() {
  reserve(1);
  return *io_uring_get_sqe(&ring_);
}

void Ring::reserve(unsigned count) {
  if (io_uring_sq_space_left(&ring_) < count) check(io_uring_submit(&ring_), "io_uring_enter");
}

void Ring::submit_and_wait() {
  __kernel_timespec patience{.tv_sec = 10, .tv_nsec = 0};
  io_uring_cqe* first = nullptr;
  int result = io_uring_submit_and_wait_timeout(&ring_, &first, 1, &patience, nullptr);
  if (result == -ETIME) throw std::runtime_error("nothing happened for 10 s: the server is stuck");
  if (result != -EINTR) check(result, "io_uring_enter");
}

ReceiveBuffers::ReceiveBuffers(Ring& ring, unsigned count, std::size_t bytes_each)
    : ring_{ring},
      count_{count},
      bytes_each_{bytes_each},
      storage_(count * bytes_each),
      ring_memory_bytes_{count * sizeof(io_uring_buf)} {
  void* memory =
      mmap(nullptr, ring_memory_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  ring_memory_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
  registration.ring_entries = count;
  registration.bgid = group;
  check(io_uring_register_buf_ring(&ring_.native(), &registration, 0), "register receive buffers");
  for (unsigned index = 0; index < count; ++index) add(index);
}

ReceiveBuffers::~ReceiveBuffers() {
  io_uring_unregister_buf_ring(&ring_.native(), group);
  munmap(ring_memory_, ring_memory_bytes_);
}

std::span<const char> ReceiveBuffers::bytes(const io_uring_cqe& completion) const {
  std::size_t index = completion.flags >> IORING_CQE_BUFFER_SHIFT;
  return {storage_.data() + index * bytes_each_, static_cast<std::size_t>(completion.res)};
}

void ReceiveBuffers::give_back(const io_uring_cqe& completion) {
  add(completion.flags >> IORING_CQE_BUFFER_SHIFT);
}

void ReceiveBuffers::add(unsigned index) {
  io_uring_buf_ring_add(ring_memory_, storage_.data() + index * bytes_each_, static_cast<unsigned>(bytes_each_),
                        static_cast<unsigned short>(index), io_uring_buf_ring_mask(count_), 0);
  io_uring_buf_ring_advance(ring_memory_, 1);
}

}  // namespace load

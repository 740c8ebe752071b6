// The load generator's io_uring: operations queued, then one system call that submits them and waits.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace load {

class Ring {
 public:
  explicit Ring(unsigned entries);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// An empty submission entry. Where the queue is full it is submitted first.
  io_uring_sqe& entry();

  /// Starts a new turn when fewer than `count` entries are free, so that a chain of linked ones is submitted whole.
  void reserve(unsigned count);

  /// Submits, waits until something completes, and hands each completion to `handle`. Throws after ten seconds of
  /// silence: then the server is stuck.
  template <class Handle>
  void turn(Handle&& handle) {
    submit_and_wait();
    unsigned head = 0;
    unsigned seen = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
      handle(*completion);
      ++seen;
    }
    io_uring_cq_advance(&ring_, seen);
  }

  io_uring& native() { return ring_; }

 private:
  void submit_and_wait();

  io_uring ring_{};
};

/// Receive buffers that all connections share. What a completion brought is looked at and given back at once.
class ReceiveBuffers {
 public:
  static constexpr int group = 1;

  /// `count` must be a power of two.
  ReceiveBuffers(Ring& ring, unsigned count, std::size_t bytes_each);
  ~ReceiveBuffers();
  ReceiveBuffers(const ReceiveBuffers&) = delete;
  ReceiveBuffers& operator=(const ReceiveBuffers&) = delete;

  /// The bytes of a completed receive, valid until `give_back`.
  std::span<const char> bytes(const io_uring_cqe& completion) const;
  void give_back(const io_uring_cqe& completion);

 private:
  void add(unsigned index);

  Ring& ring_;
  unsigned count_;
  std::size_t bytes_each_;
  std::vector<char> storage_;
  io_uring_buf_ring* ring_memory_ = nullptr;
  std::size_t ring_memory_bytes_;
};

}  // namespace load

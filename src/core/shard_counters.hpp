// A shard's numbers: written by its thread, read by any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "iocpp/counters.hpp"

namespace iocpp::core {

/// A number with one writer. Adding is a load and a store, no locked instruction.
class Counter {
 public:
  void add(std::uint64_t amount = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t amount = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) - amount, std::memory_order_relaxed);
  }
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// The members of `Counters`, with the same names and meanings; `mailbox_full` is counted where it happens, by the
/// senders. Of `misplaced_calls`, counted by other threads too, one may be missed.
struct ShardCounters {
  std::array<Counter, refusals> refused_for;
  Counter accepted, shed, refused, accept_attempts, accept_dropped, accept_no_resources, accept_no_handles,
      accept_retries_paced, accept_pauses, listeners_lost, listeners_restored;
  Counter preparing, stage_failed;
  std::array<Counter, proxy_failures> proxy_failed;
  Counter connections_open;
  std::array<Counter, disconnect_reasons> disconnected;
  Counter bytes_received, bytes_sent, unsent_bytes, handler_exceptions, send_total_overflows;
  Counter receive_buffers_empty, resource_retries, completion_overflows, stale_completions, mailbox_undeliverable,
      misplaced_calls, loop_errors, turns;
  Counter listeners_open, accepts_in_flight, listeners_waiting, listeners_paused;

  void add_to(Counters& sum) const noexcept;
};

}  // namespace iocpp::core

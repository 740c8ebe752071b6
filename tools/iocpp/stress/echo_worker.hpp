// One thread of the echo run.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "stress/dialer.hpp"
#include "stress/echo.hpp"
#include "stress/echo_connection.hpp"
#include "stress/meters.hpp"
#include "stress/schedule.hpp"

namespace stress {

/// Serves its share of the connections: `connect`, then `run`.
class EchoWorker {
 public:
  /// Worker `index` of `options.threads`.
  EchoWorker(const EchoOptions& options, unsigned index);

  void connect(const Dialer& dialer);
  /// Returns when every connection is over.
  void run(TimePoint start);

  /// For the display. Any thread.
  std::uint64_t messages_so_far() const noexcept { return messages_so_far_.load(std::memory_order_relaxed); }
  std::uint64_t faults_so_far() const noexcept { return faults_so_far_.load(std::memory_order_relaxed); }

  /// Adds what this worker has seen. After `run`.
  void report(EchoResult& result, TimePoint start) const;

 private:
  using Index = std::uint32_t;

  Duration next_wait(TimePoint now) const;
  void release_due(TimePoint now);
  void resume_slow_readers(TimePoint now);
  void stop_releasing();
  void take_back_unsent(Index index, TimePoint now);
  void take_back_all_unsent(TimePoint now);
  void record(TimePoint from, TimePoint to) noexcept;
  void time_out_stuck(TimePoint now);

  void serve(Index index);
  void receive(Index index);
  bool on_received(Index index, std::span<const std::byte> bytes);
  void refill(EchoConnection& connection, TimePoint now);
  void send(Index index);
  std::span<const std::byte> next_write(EchoConnection& connection);
  void end_if_finished(EchoConnection& connection);
  void on_end(Index index, Outcome outcome);
  void close(Index index, std::optional<Fault> fault);
  TimePoint started_at(Index index, std::uint64_t message) const;

  const EchoOptions& options_;
  unsigned worker_;
  std::uint64_t first_ = 0;  // number of the first of this worker's connections
  std::uint64_t share_ = 0;  // how many they are
  Poller poller_;
  std::vector<EchoConnection> connections_;
  std::uint64_t established_ = 0;
  std::uint64_t open_ = 0;  // of connections_, those that are not over
  std::optional<Schedule> schedule_;
  std::uint64_t next_message_ = 0;  // of the schedule
  TimePoint stop_at_;
  bool stopped_ = false;
  bool taken_back_ = false;
  struct Pause {
    TimePoint until;
    Index index;
  };
  std::deque<Pause> pauses_;  // all equally long, so in order
  std::vector<std::byte> send_space_;
  std::vector<std::byte> receive_space_;
  TimePoint swept_at_;
  TimePoint last_answer_at_;
  std::uint64_t unsent_ = 0;
  Histogram latency_;
  StallMeter stall_;
  FaultCounts faults_;
  std::atomic<std::uint64_t> messages_so_far_{0};
  std::atomic<std::uint64_t> faults_so_far_{0};
};

}  // namespace stress

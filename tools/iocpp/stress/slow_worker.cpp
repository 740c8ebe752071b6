#include "stress/slow_worker.hpp"

#include <algorithm>
#include <array>

#include "stress/connector.hpp"
#include "stress/pattern.hpp"
#include "stress/split.hpp"

namespace stress {
namespace {

/// A step is for one connection in twenty, so that they are slow one by one and no burst once in a while. In twenty
/// steps each has got its share of the rate, and what it reads is looked at.
constexpr Duration step_every = std::chrono::milliseconds{1};
constexpr std::size_t steps_a_round = 20;

}  // namespace

SlowWorker::SlowWorker(const SlowOptions& options, unsigned index) : options_{options}, block_(64U << 10) {
  const Part part = part_of(options.connections, options.threads, index);
  first_ = part.first;
  share_ = part.size;
  Pattern{index}.fill(0, block_);
}

void SlowWorker::connect(const Dialer& dialer) {
  Connected connected = connect_many(dialer, first_, share_, options_.timeout);
  faults_ = connected.faults;
  const auto readers = static_cast<std::uint64_t>(static_cast<double>(options_.connections) * options_.reader_share);
  for (std::uint64_t index = 0; index < connected.sockets.size(); ++index) {
    if (!connected.sockets[index].is_open()) continue;
    Connection& connection = connections_.emplace_back();
    connection.socket = std::move(connected.sockets[index]);
    connection.socket.set_no_delay();
    connection.reads = first_ + index < readers;
    if (connection.reads) connection.socket.keep_little_received();
    ++side(connection).established;
  }
  open_ = connections_.size();
}

void SlowWorker::run(TimePoint start) {
  start_ = start;
  stall_ = StallMeter{};
  for (std::uint64_t index = 0; index < connections_.size(); ++index) poller_.add(connections_[index].socket, index);
  TimePoint step_at = start;
  std::size_t first_in_step = 0;
  const TimePoint stop_at = start + options_.duration;
  while (open_ != 0 && Clock::now() < stop_at) {
    const Duration timeout = std::max<Duration>(step_at - Clock::now(), Duration{0});
    stall_.before_wait(timeout);
    const auto events = poller_.wait(timeout);
    stall_.after_wait();
    for (const PollEvent& event : events) notice_end(connections_[event.key], event.ended);
    open_so_far_.store(open_, std::memory_order_relaxed);
    if (stall_.now() < step_at) continue;
    step_at = stall_.now() + step_every;
    const std::chrono::duration<double> passed = stall_.now() - start;
    const double of_each = static_cast<double>(options_.rate) * passed.count();
    for (std::size_t index = first_in_step; index < connections_.size(); index += steps_a_round) {
      // A byte at once, so that a server that waits for the first has it; the others each at a time of its own.
      const double phase = static_cast<double>(index) / static_cast<double>(connections_.size());
      const auto allowed = 1 + static_cast<std::uint64_t>(of_each + phase);
      if (connections_[index].open) step(connections_[index], allowed);
    }
    first_in_step = (first_in_step + 1) % steps_a_round;
  }
}

void SlowWorker::step(Connection& connection, std::uint64_t allowed) {
  connection.reads ? step_reader(connection, allowed) : step_sender(connection, allowed);
}

/// Sends what it will not read, as long as the server takes it, and reads what the rate allows.
void SlowWorker::step_reader(Connection& connection, std::uint64_t allowed) {
  while (connection.asked < options_.request_bytes) {
    const auto part = std::min<std::uint64_t>(block_.size(), options_.request_bytes - connection.asked);
    const Transfer sent = connection.socket.send(std::span{block_}.first(part));
    if (sent.outcome == Outcome::again) break;
    if (sent.outcome != Outcome::done) return end(connection, sent.outcome);
    connection.asked += sent.bytes;
  }
  std::array<std::byte, 4096> space;
  while (connection.moved < allowed) {
    const auto part = std::min<std::uint64_t>(space.size(), allowed - connection.moved);
    const Transfer received = connection.socket.receive(std::span{space}.first(part));
    if (received.outcome == Outcome::again) return;
    if (received.outcome != Outcome::done) return end(connection, received.outcome);
    connection.moved += received.bytes;
  }
}

/// Sends what the rate allows, and reads all that has come.
void SlowWorker::step_sender(Connection& connection, std::uint64_t allowed) {
  if (connection.moved >= allowed) return;
  while (connection.moved < allowed) {
    const auto part = std::min<std::uint64_t>(block_.size(), allowed - connection.moved);
    const Transfer sent = connection.socket.send(std::span{block_}.first(part));
    if (sent.outcome == Outcome::again) break;
    if (sent.outcome != Outcome::done) return end(connection, sent.outcome);
    connection.moved += sent.bytes;
  }
  notice_end(connection, true);
}

/// A slow reader's end may wait behind what it does not read: it is seen by what the system says of it.
void SlowWorker::notice_end(Connection& connection, bool ended) {
  if (!connection.open || !ended) return;
  std::array<std::byte, 4096> space;
  for (;;) {
    const Transfer received = connection.socket.receive(space);
    if (received.outcome == Outcome::again) return;
    if (received.outcome != Outcome::done) return end(connection, received.outcome);
    if (connection.reads) connection.moved += received.bytes;
  }
}

void SlowWorker::end(Connection& connection, Outcome outcome) {
  connection.open = false;
  --open_;
  SlowSide& of = side(connection);
  ++(outcome == Outcome::ended ? of.ended_in_order : of.reset);
  of.bytes += connection.moved;
  of.last_end = Clock::now() - start_;
  if (of.first_end == Duration{0}) of.first_end = of.last_end;
  connection.socket.close();
}

void SlowWorker::report(SlowResult& result) const {
  SlowSide readers = readers_;
  SlowSide senders = senders_;
  for (const Connection& connection : connections_) {
    if (!connection.open) continue;
    SlowSide& of = connection.reads ? readers : senders;
    ++of.still_connected;
    of.bytes += connection.moved;
  }
  result.readers.merge(readers);
  result.senders.merge(senders);
  result.longest_stall = std::max(result.longest_stall, stall_.longest());
  result.faults.merge(faults_);
}

}  // namespace stress

#include "stress/push_worker.hpp"

#include <algorithm>
#include <array>

#include "stress/connector.hpp"
#include "stress/split.hpp"

namespace stress {
namespace {

constexpr Duration wait_max = std::chrono::milliseconds{10};
constexpr Duration sweep_every = std::chrono::milliseconds{100};

}  // namespace

PushWorker::PushWorker(const PushOptions& options, unsigned index) : options_{options}, block_(options.bytes) {
  const Part part = part_of(options.connections, options.threads, index);
  first_ = part.first;
  share_ = part.size;
  Pattern{index}.fill(0, block_);
}

void PushWorker::connect(const Dialer& dialer) {
  Connected connected = connect_many(dialer, first_, share_, options_.timeout);
  established_ = connected.established;
  faults_ = connected.faults;
  for (Socket& socket : connected.sockets) {
    if (!socket.is_open()) continue;
    socket.set_no_delay();
    connections_.emplace_back().socket = std::move(socket);
  }
  open_ = connections_.size();
}

void PushWorker::run(TimePoint start) {
  start_ = start;
  stop_at_ = start + options_.duration;
  stall_ = StallMeter{};
  swept_at_ = ended_at_ = stall_.now();
  for (Index index = 0; index < connections_.size(); ++index) {
    connections_[index].progress_at = swept_at_;
    poller_.add(connections_[index].socket, index);
  }
  while (open_ != 0) {
    const Duration timeout = next_wait(Clock::now());
    stall_.before_wait(timeout);
    const auto events = poller_.wait(timeout);
    stall_.after_wait();
    for (const PollEvent& event : events) on_event(static_cast<Index>(event.key));
    // A late turn must not write what the rate allows after the end.
    if (!stopped_) write_some(std::min(stall_.now(), stop_at_));
    if (stall_.now() >= stop_at_ && !stopped_) end_all(stall_.now());
    if (stall_.now() - swept_at_ >= sweep_every) time_out_stuck(stall_.now());
    bytes_so_far_.store(bytes_, std::memory_order_relaxed);
    faults_so_far_.store(faults_.total(), std::memory_order_relaxed);
  }
}

Duration PushWorker::next_wait(TimePoint now) const {
  TimePoint until = now + wait_max;
  if (!stopped_) {
    until = std::min(until, stop_at_);
    if (!writable_.empty()) until = std::min(until, next_write_at());
  }
  return std::max(until - now, Clock::duration{0});
}

/// When the rate allows the next write.
TimePoint PushWorker::next_write_at() const {
  if (options_.rate == 0) return start_;
  const double rate =
      static_cast<double>(options_.rate) * static_cast<double>(share_) / static_cast<double>(options_.connections);
  const std::chrono::duration<double> since_start{static_cast<double>(bytes_) / rate};
  return start_ + std::chrono::duration_cast<Duration>(since_start);
}

void PushWorker::write_some(TimePoint now) {
  // One write a connection, then a look at the events: no connection waits for another.
  for (std::size_t left = writable_.size(); left != 0 && next_write_at() <= now; --left) {
    const Index index = writable_.front();
    writable_.pop_front();
    connections_[index].writable = false;
    if (connections_[index].state == State::open) write(index, now);
  }
}

void PushWorker::write(Index index, TimePoint now) {
  Connection& connection = connections_[index];
  const Transfer transfer = connection.socket.send(block_);
  if (transfer.outcome == Outcome::again) return;
  if (transfer.outcome != Outcome::done) {
    close(connection, stream_fault(transfer.outcome, true));
    return;
  }
  bytes_ += transfer.bytes;
  connection.progress_at = now;
  if (transfer.bytes < block_.size()) return;
  connection.writable = true;
  writable_.push_back(index);
}

void PushWorker::on_event(Index index) {
  Connection& connection = connections_[index];
  if (connection.state == State::over) return;
  std::array<std::byte, 1024> space;
  const Transfer transfer = connection.socket.receive(space);
  if (transfer.outcome == Outcome::again) {
    if (connection.writable || connection.state != State::open) return;
    connection.writable = true;
    writable_.push_back(index);
  } else if (transfer.outcome == Outcome::done) {
    close(connection, Fault::wrong_bytes);  // a discard server answers nothing
  } else if (connection.state == State::ending && transfer.outcome == Outcome::ended) {
    close(connection, std::nullopt);
  } else {
    close(connection, stream_fault(transfer.outcome, true));
  }
}

void PushWorker::end_all(TimePoint now) {
  stopped_ = true;
  for (Connection& connection : connections_) {
    if (connection.state != State::open) continue;
    connection.state = State::ending;
    connection.progress_at = now;
    connection.socket.shutdown_send();
  }
}

void PushWorker::time_out_stuck(TimePoint now) {
  swept_at_ = now;
  for (Connection& connection : connections_) {
    if (connection.state == State::over) continue;
    if (connection.writable && connection.state == State::open) connection.progress_at = now;  // it waits for its rate
    if (now - connection.progress_at > options_.timeout) close(connection, Fault::timed_out);
  }
}

void PushWorker::close(Connection& connection, std::optional<Fault> fault) {
  connection.state = State::over;
  --open_;
  ended_at_ = Clock::now();
  if (fault) {
    faults_.add(*fault);
    connection.socket.reset();
  } else {
    connection.socket.close();
  }
}

void PushWorker::report(PushResult& result, TimePoint start) const {
  result.connections += established_;
  result.bytes += bytes_;
  result.duration = std::max<Duration>(result.duration, ended_at_ - start);
  result.longest_stall = std::max(result.longest_stall, stall_.longest());
  result.faults.merge(faults_);
}

}  // namespace stress

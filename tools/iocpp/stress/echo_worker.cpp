#include "stress/echo_worker.hpp"

#include <limits>
#include <utility>

#include "stress/connector.hpp"
#include "stress/split.hpp"

namespace stress {
namespace {

constexpr Duration wait_max = std::chrono::milliseconds{10};
constexpr Duration sweep_every = std::chrono::milliseconds{100};
// At a rate: what was due when the run ended, and had to wait for answers, has this long to be sent.
constexpr Duration grace = std::chrono::seconds{1};
constexpr std::size_t io_bytes = 256 * 1024;

}  // namespace

EchoWorker::EchoWorker(const EchoOptions& options, unsigned index)
    : options_{options}, worker_{index}, send_space_(io_bytes), receive_space_(io_bytes) {
  const Part part = part_of(options.connections, options.threads, index);
  first_ = part.first;
  share_ = part.size;
  Pattern{index}.fill(0, send_space_);
}

void EchoWorker::connect(const Dialer& dialer) {
  Connected connected = connect_many(dialer, first_, share_, options_.timeout);
  std::vector<Socket>& sockets = connected.sockets;
  established_ = connected.established;
  faults_ = connected.faults;
  faults_so_far_.store(faults_.total(), std::memory_order_relaxed);
  connections_.reserve(sockets.size());
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    if (!sockets[i].is_open()) continue;
    sockets[i].set_no_delay();
    const std::uint64_t number = first_ + i;
    const std::uint64_t quota = options_.messages == 0 ? std::numeric_limits<std::uint64_t>::max()
                                                       : part_of(options_.messages, options_.connections, number).size;
    EchoConnection& connection =
        connections_.emplace_back(std::move(sockets[i]), number, MessageStream{options_.bytes, options_.depth, quota});
    connection.random = mix(options_.seed) ^ mix(number);
    connection.slow = in_share(number, options_.slow_reader_share);
    if (options_.rate == 0) connection.begun_at.resize(options_.depth);
  }
  open_ = connections_.size();
}

void EchoWorker::run(TimePoint start) {
  if (connections_.empty()) return;
  stop_at_ = options_.messages == 0 ? start + options_.duration : TimePoint::max();
  if (options_.rate != 0) {
    const double part = static_cast<double>(share_) / static_cast<double>(options_.connections);
    const double phase = static_cast<double>(worker_) / static_cast<double>(options_.threads);
    schedule_.emplace(start, static_cast<double>(options_.rate) * part, phase);
    wait_precisely();
  }
  stall_ = StallMeter{};
  swept_at_ = stall_.now();
  for (Index index = 0; index < connections_.size(); ++index) {
    connections_[index].progress_at = swept_at_;
    poller_.add(connections_[index].socket, index);
    serve(index);
  }
  while (open_ != 0) {
    const Duration timeout = next_wait(Clock::now());
    stall_.before_wait(timeout);
    const auto events = poller_.wait(timeout);
    stall_.after_wait();
    for (const PollEvent& event : events) {
      const auto index = static_cast<Index>(event.key);
      connections_[index].end_seen |= event.ended;
      serve(index);
    }
    release_due(stall_.now());
    resume_slow_readers(stall_.now());
    if (stall_.now() >= stop_at_ && !stopped_) stop_releasing();
    if (stopped_ && !taken_back_ && stall_.now() - stop_at_ >= grace) take_back_all_unsent(stall_.now());
    if (stall_.now() - swept_at_ >= sweep_every) time_out_stuck(stall_.now());
    messages_so_far_.store(latency_.count(), std::memory_order_relaxed);
  }
}

Duration EchoWorker::next_wait(TimePoint now) const {
  TimePoint until = std::min(now + wait_max, stopped_ ? TimePoint::max() : stop_at_);
  if (schedule_ && !stopped_) until = std::min(until, schedule_->due(next_message_));
  if (!pauses_.empty()) until = std::min(until, pauses_.front().until);
  return std::max(until - now, Clock::duration{0});
}

void EchoWorker::release_due(TimePoint now) {
  while (schedule_ && !stopped_) {
    const TimePoint due = schedule_->due(next_message_);
    if (due > now || due >= stop_at_) return;
    const auto index = static_cast<Index>(next_message_++ % connections_.size());
    EchoConnection& connection = connections_[index];
    if (connection.state != EchoState::open || !connection.stream.quota_left()) continue;
    connection.stream.release();
    send(index);
    end_if_finished(connection);
  }
}

void EchoWorker::resume_slow_readers(TimePoint now) {
  while (!pauses_.empty() && pauses_.front().until <= now) {
    const Index index = pauses_.front().index;
    pauses_.pop_front();
    connections_[index].pausing = false;
    serve(index);
  }
}

void EchoWorker::stop_releasing() {
  stopped_ = true;
  for (EchoConnection& connection : connections_) {
    if (connection.state != EchoState::open) continue;
    if (schedule_) {
      connection.stream.stop_releasing();
    } else {
      connection.stream.stop();
    }
    end_if_finished(connection);
  }
}

void EchoWorker::take_back_unsent(Index index, TimePoint now) {
  EchoConnection& connection = connections_[index];
  const std::uint64_t taken_back = connection.stream.stop();
  if (!schedule_) return;
  unsent_ += taken_back;
  // They have waited at least until now; leaving them out would make an overloaded server look fast.
  for (std::uint64_t i = 0; i < taken_back; ++i) record(started_at(index, connection.stream.begun() + i), now);
}

void EchoWorker::take_back_all_unsent(TimePoint now) {
  taken_back_ = true;
  for (Index index = 0; index < connections_.size(); ++index) {
    if (connections_[index].state != EchoState::open) continue;
    take_back_unsent(index, now);
    end_if_finished(connections_[index]);
  }
}

void EchoWorker::time_out_stuck(TimePoint now) {
  swept_at_ = now;
  for (Index index = 0; index < connections_.size(); ++index) {
    EchoConnection& connection = connections_[index];
    if (connection.state == EchoState::over) continue;
    const MessageStream& stream = connection.stream;
    const std::uint64_t progress = stream.sent_bytes() + stream.received_bytes();
    const bool idle = connection.state == EchoState::open && stream.sent_bytes() == stream.received_bytes() &&
                      stream.sendable_bytes() == 0;
    if (idle || std::exchange(connection.progress, progress) != progress) {
      connection.progress_at = now;
    } else if (now - connection.progress_at > options_.timeout) {
      close(index, Fault::timed_out);
    }
  }
}

void EchoWorker::serve(Index index) {
  EchoConnection& connection = connections_[index];
  receive(index);
  if (connection.state != EchoState::open) return;
  if (!schedule_ && !stopped_) refill(connection, Clock::now());
  send(index);
  end_if_finished(connection);
}

void EchoWorker::receive(Index index) {
  EchoConnection& connection = connections_[index];
  while (connection.state != EchoState::over && !connection.pausing) {
    const std::size_t size = connection.slow ? std::min<std::size_t>(options_.slow_read_bytes, io_bytes) : io_bytes;
    const auto space = std::span{receive_space_}.first(size);
    const Transfer transfer = connection.socket.receive(space);
    if (transfer.outcome == Outcome::again) return;
    if (transfer.outcome != Outcome::done) {
      on_end(index, transfer.outcome);
      return;
    }
    const bool first = connection.stream.received_bytes() == 0;
    if (!on_received(index, space.first(transfer.bytes))) {
      if (first) faults_.wrong_answer().note(space.first(transfer.bytes));
      close(index, Fault::wrong_bytes);
    } else if (connection.slow) {
      connection.pausing = true;
      pauses_.push_back({Clock::now() + options_.slow_read_pause, index});
    } else if (transfer.bytes < size && !connection.end_seen) {
      return;  // fewer than asked for: there is no more, and asking again would cost a call
    }
  }
}

bool EchoWorker::on_received(Index index, std::span<const std::byte> bytes) {
  EchoConnection& connection = connections_[index];
  MessageStream& stream = connection.stream;
  if (options_.verify && !connection.pattern.matches(stream.received_bytes(), bytes)) return false;
  const std::uint64_t before = stream.completed();
  if (!stream.on_received(bytes.size())) return false;
  last_answer_at_ = Clock::now();
  for (std::uint64_t message = before; message < stream.completed(); ++message) {
    record(started_at(index, message), last_answer_at_);
  }
  return true;
}

void EchoWorker::record(TimePoint from, TimePoint to) noexcept {
  latency_.record(static_cast<std::uint64_t>(std::max<Clock::rep>(0, (to - from).count())));
}

TimePoint EchoWorker::started_at(Index index, std::uint64_t message) const {
  if (schedule_) return schedule_->due(message * connections_.size() + index);
  return connections_[index].begun_at[message % options_.depth];
}

void EchoWorker::refill(EchoConnection& connection, TimePoint now) {
  while (connection.stream.quota_left() && connection.stream.room_in_flight()) {
    connection.begun_at[connection.stream.released() % options_.depth] = now;
    connection.stream.release();
  }
}

void EchoWorker::send(Index index) {
  EchoConnection& connection = connections_[index];
  while (connection.state == EchoState::open && connection.stream.sendable_bytes() != 0) {
    const auto bytes = next_write(connection);
    const Transfer transfer = connection.socket.send(bytes);
    if (transfer.outcome == Outcome::again) return;
    if (transfer.outcome != Outcome::done) {
      on_end(index, transfer.outcome);
      return;
    }
    connection.stream.on_sent(transfer.bytes);
    if (transfer.bytes < bytes.size()) return;
  }
}

std::span<const std::byte> EchoWorker::next_write(EchoConnection& connection) {
  std::size_t size = std::min<std::uint64_t>(connection.stream.sendable_bytes(), io_bytes);
  if (options_.split) size = std::min(size, next_split(connection.random));
  const auto bytes = std::span{send_space_}.first(size);
  if (options_.verify) connection.pattern.fill(connection.stream.sent_bytes(), bytes);
  return bytes;
}

void EchoWorker::end_if_finished(EchoConnection& connection) {
  if (connection.state != EchoState::open || !connection.stream.finished()) return;
  connection.state = EchoState::ending;
  connection.socket.shutdown_send();
}

void EchoWorker::on_end(Index index, Outcome outcome) {
  const EchoConnection& connection = connections_[index];
  if (connection.state == EchoState::open) {
    close(index, stream_fault(outcome, connection.stream.received_bytes() != 0));
  } else if (outcome == Outcome::ended) {
    close(index, std::nullopt);
  } else {
    close(index, outcome == Outcome::reset ? Fault::reset_after_echo : Fault::other);
  }
}

void EchoWorker::close(Index index, std::optional<Fault> fault) {
  EchoConnection& connection = connections_[index];
  connection.state = EchoState::over;
  --open_;
  if (!fault) {
    connection.socket.close();
    return;
  }
  take_back_unsent(index, Clock::now());
  faults_.add(*fault);
  faults_so_far_.store(faults_.total(), std::memory_order_relaxed);
  connection.socket.reset();
}

void EchoWorker::report(EchoResult& result, TimePoint start) const {
  result.connections += established_;
  for (const EchoConnection& connection : connections_) {
    result.messages += connection.stream.completed();
    result.bytes += connection.stream.received_bytes();
  }
  result.unsent += unsent_;
  result.duration = std::max<Duration>(result.duration, last_answer_at_ - start);
  result.latency.merge(latency_);
  result.longest_stall = std::max(result.longest_stall, stall_.longest());
  result.faults.merge(faults_);
}

}  // namespace stress

#include "stress/idle_worker.hpp"

#include <algorithm>
#include <array>

#include "stress/connector.hpp"
#include "stress/split.hpp"

namespace stress {

IdleWorker::IdleWorker(const IdleOptions& options, unsigned index) : options_{options} {
  const Part part = part_of(options.connections, options.threads, index);
  first_ = part.first;
  share_ = part.size;
}

void IdleWorker::connect(const Dialer& dialer) {
  Connected connected = connect_many(dialer, first_, share_, options_.timeout);
  established_ = connected.established;
  faults_ = connected.faults;
  reset_ = faults_.take(Fault::closed_without_answer);  // as connect_many tells a reset: here it is one like the others
  if (reset_ != 0) first_end_ = last_end_ = Duration{0};
  sockets_ = std::move(connected.sockets);
  open_so_far_ = established_ - reset_;
}

void IdleWorker::watch(TimePoint start) {
  start_ = start;
  stall_ = StallMeter{};
  for (std::uint64_t index = 0; index < sockets_.size(); ++index) {
    if (sockets_[index].is_open()) poller_.add(sockets_[index], index);
  }
}

void IdleWorker::hold(TimePoint until) {
  while (open_so_far() != 0) {
    const Duration left = until - Clock::now();
    if (left <= Duration{0}) return;
    stall_.before_wait(left);
    const auto events = poller_.wait(left);
    stall_.after_wait();
    for (const PollEvent& event : events) {
      if (event.ended && sockets_[event.key].is_open()) notice_end(sockets_[event.key]);
    }
  }
}

/// What the server has sent before its end is of no interest.
void IdleWorker::notice_end(Socket& socket) {
  std::array<std::byte, 4096> space;
  for (;;) {
    const Transfer received = socket.receive(space);
    if (received.outcome == Outcome::again) return;
    if (received.outcome != Outcome::done) return end(socket, received.outcome);
  }
}

void IdleWorker::end(Socket& socket, Outcome outcome) {
  ++(outcome == Outcome::ended ? ended_in_order_ : reset_);
  last_end_ = Clock::now() - start_;
  if (!first_end_) first_end_ = last_end_;
  socket.close();
  open_so_far_.fetch_sub(1, std::memory_order_relaxed);
}

void IdleWorker::report(IdleResult& result) const {
  result.established += established_;
  result.ended_in_order += ended_in_order_;
  result.reset += reset_;
  result.still_connected += open_so_far();
  if (first_end_) result.first_end = std::min(*first_end_, result.first_end.value_or(*first_end_));
  if (last_end_) result.last_end = std::max(*last_end_, result.last_end.value_or(*last_end_));
  result.longest_stall = std::max(result.longest_stall, stall_.longest());
  result.faults.merge(faults_);
}

}  // namespace stress

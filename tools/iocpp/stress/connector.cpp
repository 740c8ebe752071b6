#include "stress/connector.hpp"

#include <algorithm>

namespace stress {
namespace {

constexpr std::size_t at_once_max = 128;  // well below any listen backlog
constexpr Duration wait_max = std::chrono::milliseconds{10};

class Connector {
 public:
  Connector(const Dialer& dialer, std::uint64_t first, std::size_t count, Duration timeout)
      : dialer_{dialer}, first_{first}, timeout_{timeout} {
    connected_.sockets.resize(count);
  }

  Connected run() {
    while (next_ < connected_.sockets.size() || !pending_.empty()) {
      while (next_ < connected_.sockets.size() && pending_.size() < at_once_max) begin(next_++);
      for (const PollEvent& event : poller_.wait(pending_.empty() ? Duration{0} : wait_max)) {
        settle(event.key, dialer_.finish(connected_.sockets[event.key]));
      }
      std::erase_if(pending_, [this](const Pending& pending) { return is_over(pending); });
    }
    return std::move(connected_);
  }

 private:
  struct Pending {
    std::size_t index;
    TimePoint deadline;
    bool settled = false;
  };

  void begin(std::size_t index) {
    pending_.push_back({index, Clock::now() + timeout_});
    const Outcome outcome = dialer_.begin(first_ + index, connected_.sockets[index]);
    if (outcome == Outcome::again) poller_.add(connected_.sockets[index], index);
    settle(index, outcome);
  }

  void settle(std::size_t index, Outcome outcome) {
    if (outcome == Outcome::again) return;
    const auto pending = std::find_if(pending_.begin(), pending_.end(), [=](auto& one) { return one.index == index; });
    if (pending == pending_.end()) return;
    pending->settled = true;
    if (outcome == Outcome::done || outcome == Outcome::reset) ++connected_.established;
    if (outcome == Outcome::done) return;
    connected_.faults.add(connect_fault(outcome));
    connected_.sockets[index].close();
  }

  bool is_over(const Pending& pending) {
    if (pending.settled) return true;
    if (Clock::now() < pending.deadline) return false;
    connected_.faults.add(Fault::connect_timed_out);
    connected_.sockets[pending.index].close();
    return true;
  }

  const Dialer& dialer_;
  std::uint64_t first_;
  Duration timeout_;
  Connected connected_;
  std::vector<Pending> pending_;
  std::size_t next_ = 0;
  Poller poller_;
};

}  // namespace

Connected connect_many(const Dialer& dialer, std::uint64_t first, std::size_t count, Duration timeout) {
  return Connector{dialer, first, count, timeout}.run();
}

}  // namespace stress

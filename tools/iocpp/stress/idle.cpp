#include "stress/idle.hpp"

#include <algorithm>
#include <memory>
#include <numeric>

#include "stress/crew.hpp"
#include "stress/idle_worker.hpp"
#include "stress/server_processes.hpp"

namespace stress {
namespace {

/// The server may still be accepting when the client's last connection is established.
constexpr Duration quiet_moment = std::chrono::seconds{1};

using Workers = std::vector<std::unique_ptr<IdleWorker>>;

std::uint64_t open_in(const Workers& workers) {
  return std::accumulate(workers.begin(), workers.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& worker) { return sum + worker->open_so_far(); });
}

void hold_until(const Workers& workers, TimePoint until, ProgressDisplay* display) {
  const TimePoint from = Clock::now();
  const auto sample = [&] {
    ProgressSample now;
    now.unit = "connections still open";
    now.done = open_in(workers);
    now.share = std::chrono::duration<double>(Clock::now() - from) / (until - from);
    return now;
  };
  run_crew(
      static_cast<unsigned>(workers.size()), [&](unsigned i) { workers[i]->hold(until); }, display, sample);
}

/// Reads them three times: each reading walks through the server's memory.
class CostMeter {
 public:
  explicit CostMeter(const SocketAddress& target) : processes_{target}, before_{processes_.read()} {}

  void all_connected(std::uint64_t held) {
    held_ = held;
    quiet_ = processes_.read();
  }

  void report(IdleResult& result) const {
    const std::optional<ServerReading> end = processes_.read();
    if (!before_ || !quiet_ || !end) {
      result.why = processes_.why().empty() ? "its process has ended, or may not be read" : processes_.why();
      return;
    }
    ServerCost& cost = result.server.emplace();
    cost.process_ids = processes_.ids();
    cost.memory_source = processes_.memory_source();
    cost.resident_before = before_->resident_bytes;
    cost.resident_held = quiet_->resident_bytes;
    cost.resident_end = end->resident_bytes;
    cost.held = held_;
    cost.cpu = end->cpu - quiet_->cpu;
    cost.cpu_step = processes_.cpu_step();
    cost.cpu_measured = end->at - quiet_->at;
  }

 private:
  ServerProcesses processes_;
  std::optional<ServerReading> before_;
  std::optional<ServerReading> quiet_;
  std::uint64_t held_ = 0;
};

}  // namespace

std::optional<double> ServerCost::bytes_each() const noexcept {
  if (held == 0) return std::nullopt;
  return (static_cast<double>(resident_held) - static_cast<double>(resident_before)) / static_cast<double>(held);
}

std::optional<double> ServerCost::cpu_share() const noexcept {
  if (held == 0 || cpu_measured <= Duration{0}) return std::nullopt;
  return std::chrono::duration<double>(cpu) / cpu_measured;
}

IdleResult run_idle(const IdleOptions& options, ProgressDisplay* display) {
  const Dialer dialer{options.target, options.sources};
  Workers workers;
  for (unsigned i = 0; i < options.threads; ++i) workers.push_back(std::make_unique<IdleWorker>(options, i));
  CostMeter meter{options.target};
  run_crew(options.threads, [&](unsigned i) { workers[i]->connect(dialer); });
  const TimePoint start = Clock::now();
  for (const auto& worker : workers) worker->watch(start);
  hold_until(workers, start + std::min(quiet_moment, options.hold / 10), nullptr);
  meter.all_connected(open_in(workers));
  hold_until(workers, start + options.hold, display);
  IdleResult result;
  result.duration = Clock::now() - start;
  meter.report(result);
  for (const auto& worker : workers) worker->report(result);
  return result;
}

}  // namespace stress

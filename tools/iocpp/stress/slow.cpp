#include "stress/slow.hpp"

#include <algorithm>
#include <memory>

#include "stress/crew.hpp"
#include "stress/slow_worker.hpp"

namespace stress {
namespace {

using Workers = std::vector<std::unique_ptr<SlowWorker>>;

ProgressSample sample_of(const Workers& workers, const SlowOptions& options, TimePoint start) {
  ProgressSample sample;
  sample.unit = "connections still open";
  sample.share = std::chrono::duration<double>(Clock::now() - start) / options.duration;
  for (const auto& worker : workers) sample.done += worker->open_so_far();
  return sample;
}

}  // namespace

void SlowSide::merge(const SlowSide& other) noexcept {
  established += other.established;
  ended_in_order += other.ended_in_order;
  reset += other.reset;
  still_connected += other.still_connected;
  bytes += other.bytes;
  if (other.first_end != Duration{0} && (first_end == Duration{0} || other.first_end < first_end))
    first_end = other.first_end;
  last_end = std::max(last_end, other.last_end);
}

SlowResult run_slow(const SlowOptions& options, ProgressDisplay* display) {
  const Dialer dialer{options.target, options.sources};
  Workers workers;
  for (unsigned i = 0; i < options.threads; ++i) workers.push_back(std::make_unique<SlowWorker>(options, i));
  run_crew(options.threads, [&](unsigned i) { workers[i]->connect(dialer); });
  const TimePoint start = Clock::now();
  run_crew(
      options.threads, [&](unsigned i) { workers[i]->run(start); }, display,
      [&] { return sample_of(workers, options, start); });
  SlowResult result;
  result.duration = Clock::now() - start;
  for (const auto& worker : workers) worker->report(result);
  return result;
}

}  // namespace stress

#include "stress/push.hpp"

#include <memory>
#include <vector>

#include "stress/crew.hpp"
#include "stress/push_worker.hpp"

namespace stress {
namespace {

using Workers = std::vector<std::unique_ptr<PushWorker>>;

ProgressSample sample_of(const Workers& workers, const PushOptions& options, TimePoint start) {
  ProgressSample sample;
  sample.unit = "bytes";
  sample.share = std::chrono::duration<double>(Clock::now() - start) / options.duration;
  for (const auto& worker : workers) {
    sample.done += worker->bytes_so_far();
    sample.faults += worker->faults_so_far();
  }
  return sample;
}

}  // namespace

PushResult run_push(const PushOptions& options, ProgressDisplay* display) {
  const Dialer dialer{options.target, options.sources};
  Workers workers;
  for (unsigned i = 0; i < options.threads; ++i) workers.push_back(std::make_unique<PushWorker>(options, i));
  run_crew(options.threads, [&](unsigned i) { workers[i]->connect(dialer); });
  const TimePoint start = Clock::now();
  run_crew(
      options.threads, [&](unsigned i) { workers[i]->run(start); }, display,
      [&] { return sample_of(workers, options, start); });
  PushResult result;
  for (const auto& worker : workers) worker->report(result, start);
  return result;
}

}  // namespace stress

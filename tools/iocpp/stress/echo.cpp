#include "stress/echo.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "stress/crew.hpp"
#include "stress/echo_worker.hpp"

namespace stress {
namespace {

using Workers = std::vector<std::unique_ptr<EchoWorker>>;

ProgressSample sample_of(const Workers& workers, const EchoOptions& options, TimePoint start) {
  ProgressSample sample;
  sample.unit = "messages";
  sample.total = options.messages;
  sample.share = std::chrono::duration<double>(Clock::now() - start) / options.duration;
  for (const auto& worker : workers) {
    sample.done += worker->messages_so_far();
    sample.faults += worker->faults_so_far();
  }
  return sample;
}

}  // namespace

EchoResult run_echo(const EchoOptions& options, ProgressDisplay* display) {
  const Dialer dialer{options.target, options.sources};
  Workers workers;
  for (unsigned i = 0; i < options.threads; ++i) workers.push_back(std::make_unique<EchoWorker>(options, i));
  run_crew(options.threads, [&](unsigned i) { workers[i]->connect(dialer); });
  const TimePoint start = Clock::now();
  run_crew(
      options.threads, [&](unsigned i) { workers[i]->run(start); }, display,
      [&] { return sample_of(workers, options, start); });
  EchoResult result;
  for (const auto& worker : workers) worker->report(result, start);
  return result;
}

}  // namespace stress

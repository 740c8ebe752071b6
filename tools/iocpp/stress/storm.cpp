#include "stress/storm.hpp"

#include <memory>
#include <vector>

#include "program/figures.hpp"
#include "stress/crew.hpp"
#include "stress/probe.hpp"
#include "stress/split.hpp"
#include "stress/storm_worker.hpp"

namespace stress {
namespace {

ProgressSample sample_of(const StormLedger& ledger, const StormOptions& options) {
  ProgressSample sample;
  sample.unit = "connections";
  sample.done = ledger.attempted();
  sample.total = options.connections;
  sample.faults = ledger.faults();
  return sample;
}

}  // namespace

StormResult run_storm(const StormOptions& options, ProgressDisplay* display) {
  const Dialer dialer{options.target, options.sources};
  const TimePoint start = Clock::now();
  StormLedger ledger{options, start};
  std::vector<std::unique_ptr<StormWorker>> workers;
  for (unsigned i = 0; i < options.threads; ++i) {
    const auto concurrency = part_of(options.concurrency, options.threads, i).size;
    workers.push_back(std::make_unique<StormWorker>(dialer, ledger, concurrency, options.timeout));
  }
  run_crew(
      options.threads, [&](unsigned i) { workers[i]->run(); }, display, [&] { return sample_of(ledger, options); });
  StormResult result;
  result.duration = Clock::now() - start;
  ledger.report(result);
  for (const auto& worker : workers) {
    result.faults.merge(worker->faults());
    result.longest_stall = std::max(result.longest_stall, worker->longest_stall());
  }
  result.probe = probe(dialer, options);
  return result;
}

Verdict StormResult::verdict() const noexcept {
  if (!probe.fault) return Verdict::still_accepting;
  switch (*probe.fault) {
    case Fault::connect_refused:
    case Fault::connect_timed_out:
    case Fault::connect_failed:
    case Fault::timed_out:
      return Verdict::deaf;
    default:
      return Verdict::not_serving;
  }
}

std::string StormResult::verdict_text() const {
  switch (verdict()) {
    case Verdict::still_accepting:
      return "still accepting";
    case Verdict::not_serving:
      return "not serving: " + std::string{text_of(*probe.fault)} +
             (probe.wrong_answer.empty() ? "" : ", " + probe.wrong_answer.text());
    case Verdict::deaf:
      break;
  }
  const std::string deaf = "DEAF after " + program::with_commas(established) + " connections";
  return established != 0 ? deaf : deaf + ": is a server there?";
}

bool StormResult::passed(bool strict) const noexcept {
  if (verdict() != Verdict::still_accepting || faults[Fault::wrong_bytes] != 0) return false;
  return !strict || faults.total() == 0;
}

}  // namespace stress

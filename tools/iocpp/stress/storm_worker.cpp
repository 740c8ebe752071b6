#include "stress/storm_worker.hpp"

#include <numeric>

namespace stress {
namespace {

// Short, so that what a wait hides from the stall meter is short.
constexpr Duration wait_max = std::chrono::milliseconds{10};
constexpr Duration sweep_every = std::chrono::milliseconds{50};

}  // namespace

StormWorker::StormWorker(const Dialer& dialer, StormLedger& ledger, std::size_t concurrency, Duration timeout)
    : dialer_{dialer},
      ledger_{ledger},
      timeout_{timeout},
      slots_(concurrency),
      free_(concurrency),
      swept_at_{Clock::now()} {
  std::iota(free_.begin(), free_.end(), 0U);
}

void StormWorker::run() {
  bool more = true;
  while (more || free_.size() < slots_.size()) {
    more = begin_some();
    const Duration timeout = more && !free_.empty() ? Duration{0} : wait_max;
    stall_.before_wait(timeout);
    const auto events = poller_.wait(timeout);
    stall_.after_wait();
    for (const PollEvent& event : events) advance(static_cast<std::uint32_t>(event.key));
    if (stall_.now() - swept_at_ < sweep_every) continue;
    swept_at_ = stall_.now();
    time_out_stuck();
    if (ledger_.given_up(stall_.now())) {
      abandon_all();
      return;
    }
  }
}

/// Returns false when there is nothing more to begin, ever.
bool StormWorker::begin_some() {
  // Those that are reset at once free their slot here; without a bound the loop would never look at its events.
  for (std::size_t begun = 0; begun < slots_.size() && !free_.empty(); ++begun) {
    const auto ticket = ledger_.take();
    if (!ticket) return false;
    begin(free_.back(), *ticket);
  }
  return true;
}

void StormWorker::begin(std::uint32_t index, const StormLedger::Ticket& ticket) {
  free_.pop_back();
  Slot& slot = slots_[index];
  slot.exchange.begin(dialer_, ticket.connection, ticket.kind);
  slot.progress = slot.exchange.progress();
  slot.progress_at = stall_.now();
  if (!slot.exchange.finished()) poller_.add(slot.exchange.socket(), index);
  account(index, false, false);
}

void StormWorker::advance(std::uint32_t index) {
  Exchange& exchange = slots_[index].exchange;
  const bool was_established = exchange.established();
  const bool was_answered = exchange.answered();
  exchange.advance(dialer_);
  account(index, was_established, was_answered);
}

void StormWorker::account(std::uint32_t index, bool was_established, bool was_answered) {
  const Exchange& exchange = slots_[index].exchange;
  const bool established = exchange.established() && !was_established;
  const bool answered = exchange.answered() && !was_answered;
  if (!established && !answered && !exchange.finished()) return;
  const TimePoint now = Clock::now();
  if (established) ledger_.on_established(now);
  if (answered) ledger_.on_answered(now);
  if (!exchange.finished()) return;
  if (exchange.fault()) faults_.add(*exchange.fault());
  faults_.wrong_answer().merge(exchange.wrong_answer());
  ledger_.on_finished(exchange, now);
  free_.push_back(index);
}

void StormWorker::time_out_stuck() {
  for (std::uint32_t index = 0; index < slots_.size(); ++index) {
    Slot& slot = slots_[index];
    if (slot.exchange.finished()) continue;
    if (slot.progress != slot.exchange.progress()) {
      slot.progress = slot.exchange.progress();
      slot.progress_at = stall_.now();
    } else if (stall_.now() - slot.progress_at > timeout_) {
      slot.exchange.time_out();
      account(index, true, true);
    }
  }
}

void StormWorker::abandon_all() {
  for (std::uint32_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index].exchange.finished()) continue;
    slots_[index].exchange.time_out();
    account(index, true, true);
  }
}

}  // namespace stress

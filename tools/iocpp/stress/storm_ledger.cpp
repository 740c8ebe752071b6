#include "stress/storm_ledger.hpp"

#include "stress/split.hpp"

namespace stress {

std::optional<StormLedger::Ticket> StormLedger::take() noexcept {
  if (given_up_.load()) return std::nullopt;
  const std::uint64_t connection = next_.fetch_add(1);
  if (connection >= options_.connections) return std::nullopt;
  const bool reset = in_share(connection, options_.reset_share);
  return Ticket{connection, reset ? Exchange::Kind::reset_at_once : Exchange::Kind::echo};
}

void StormLedger::on_established(TimePoint now) noexcept {
  established_.fetch_add(1);
  connects_.mark(now);
}

void StormLedger::on_finished(const Exchange& exchange, TimePoint now) noexcept {
  finished_.fetch_add(1);
  if (!exchange.established()) connects_.still_waiting(now);
  if (exchange.kind() == Exchange::Kind::echo && !exchange.answered()) answers_.still_waiting(now);
  if (exchange.fault()) {
    faults_.fetch_add(1);
  } else {
    (exchange.kind() == Exchange::Kind::echo ? echoed_ : reset_at_once_).fetch_add(1);
  }
}

bool StormLedger::given_up(TimePoint now) noexcept {
  // The system completes handshakes on behalf of a server that accepts no more, up to its backlog: only an answer is a
  // sign of life.
  GapMeter& life = answers_due() ? answers_ : connects_;
  if (life.since_last(now) > options_.give_up) given_up_.store(true);
  return given_up_.load();
}

void StormLedger::report(StormResult& result) const {
  result.attempted = finished_.load();
  result.established = established_.load();
  result.reset_at_once = reset_at_once_.load();
  result.echoed = echoed_.load();
  result.gave_up = given_up_.load();
  result.longest_gap = connects_.longest();
  if (answers_due()) result.longest_answer_gap = answers_.longest();
}

}  // namespace stress

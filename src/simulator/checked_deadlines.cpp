// Deadlines and timers, as the witness of a handler sees them.
#include "simulator/checked_handler.hpp"

namespace iocpp::simulator {
namespace {

/// Timers are started for so many of these, so that some are due at once.
constexpr std::chrono::milliseconds timer_step{16};
/// Until a deadline has had its effect: shortages, and slow callbacks of some turns.
constexpr std::chrono::seconds bound{2};
constexpr int slow_in_row = 12;

}  // namespace

std::chrono::nanoseconds CheckedHandler::deadline_slack() const noexcept {
  return bound + slow_in_row * habits_.slow_max;
}

/// Until a connection is closed whose message has ended: nothing but the loop's own turns is in the way.
std::chrono::nanoseconds CheckedHandler::message_slack() const noexcept {
  return std::chrono::milliseconds{100} + slow_in_row * habits_.slow_max;
}

/// True: by one that was over. The simulator's own client gets less than it wanted; a script says what it expects.
bool CheckedHandler::ended_by_deadline(const Witness& known, DisconnectReason reason) {
  const bool of_deadline = reason == DisconnectReason::idle_timeout || reason == DisconnectReason::lifetime ||
                           reason == DisconnectReason::min_rate;
  if (Link* link = link_of(known.id);
      habits_.known && link != nullptr &&
      (of_deadline || (habits_.total_capped && reason == DisconnectReason::send_overflow)))
    link->spoiled = true;
  // close() had sent everything, so its reason stands; what was left of its wait was cut short all the same.
  const bool lingered = habits_.known && known.closed &&
                        known.times.may_end(DisconnectReason::lifetime, habits_.deadlines, machine_.now());
  if (Link* link = link_of(known.id); lingered && link != nullptr) link->spoiled = true;
  if (!of_deadline) return false;
  // What other threads send, and when a user's message begins, is not known here.
  const bool all_is_known = sends_are_known() || reason == DisconnectReason::lifetime;
  if (!known.times.may_end(reason, habits_.deadlines, machine_.now()) &&
      (all_is_known || reason != DisconnectReason::min_rate))
    machine_.violate(15, "a deadline ended a connection before it was over");
  return true;
}

void CheckedHandler::check_deadlines() {
  if (!sends_are_known() || draining_) return;
  const std::chrono::nanoseconds lateness = std::chrono::milliseconds{100} + slow_in_row * habits_.slow_max;
  for (const Witness& known : witnesses_) {
    if (!known.live || known.closed || known.aborted || known.threw || known.must_overflow) continue;
    if (known.times.outlived(habits_.deadlines, machine_.now(), deadline_slack(), lateness))
      machine_.violate(15, "a connection outlived its deadline");
    if (known.has_timer && machine_.now() - known.timer_due > deadline_slack())
      machine_.violate(15, "a timer was not called");
  }
}

std::size_t CheckedHandler::queued() const noexcept {
  std::size_t sum = 0;
  for (const Witness& known : witnesses_) {
    if (known.live) sum += known.connection.send_queue_bytes();
  }
  return sum;
}

/// Others may be due in the same step.
void CheckedHandler::cancel_some(Connection connection) {
  for (const std::uint32_t nth : {0U, 1U, 2U}) {
    const ConnectionId id = some(connection.id().slot() + nth);
    if (id) cancel_timer(witnesses_[id.slot()].connection);
  }
}

void CheckedHandler::start_timers(Connection connection, std::uint64_t drawn) {
  if (drawn % 8 == 6) start_timer(connection);
  if (drawn % 64 == 7) cancel_timer(connection);
}

void CheckedHandler::start_timer(Connection connection) {
  Witness& known = witness(connection);
  if (known.closed || known.aborted || !connection.is_open()) return;
  const std::chrono::milliseconds after = timer_step * static_cast<int>(machine_.streams.scheduler.below(4));
  known.has_timer = true;
  known.timer_due = machine_.now() + after;
  connection.start_timer(after);
}

void CheckedHandler::cancel_timer(Connection connection) noexcept {
  witnesses_[connection.id().slot()].has_timer = false;
  connection.cancel_timer();
}

}  // namespace iocpp::simulator

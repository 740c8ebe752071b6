#include "core/watch.hpp"

namespace iocpp::core {
namespace {

std::uint64_t ticks_of(std::chrono::milliseconds span) noexcept {
  return span.count() == 0 ? 0 : TimerQueue::ticks_of(span);
}

std::uint32_t bytes_of(const Deadlines& deadlines) noexcept {
  const double bytes =
      static_cast<double>(deadlines.min_rate_bytes) * std::chrono::duration<double>(deadlines.min_rate_grace).count();
  constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
  return bytes < most ? std::max(static_cast<std::uint32_t>(bytes), 1U) : most;
}

}  // namespace

DeadlineRules::DeadlineRules(const Deadlines& deadlines) noexcept
    : first_byte{ticks_of(deadlines.first_byte)},
      idle_receive{ticks_of(deadlines.idle_receive)},
      idle_send{ticks_of(deadlines.idle_send)},
      idle{ticks_of(deadlines.idle)},
      write{ticks_of(deadlines.write)},
      lifetime{ticks_of(deadlines.lifetime)} {
  if (deadlines.min_rate_bytes != 0) {
    grace = ticks_of(deadlines.min_rate_grace);
    bytes_a_grace = bytes_of(deadlines);
  }
  constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max() / 2;
  soonest = never;
  for (const std::uint64_t limit : {first_byte, idle_receive, idle_send, idle, write, grace}) {
    if (limit != 0) soonest = std::min(soonest, limit);
  }
  any = soonest != never || lifetime != 0;
}

void Watch::begin(std::uint32_t slot_index) noexcept {
  kind = TimerKind::watch;
  index = slot_index;
  fired = suspected = false;
  fresh_ = true;
  received_now_ = sent_now_ = emptied_ = heard_ = receiving_ = queued_ = in_message_ = message_begins_ = false;
  received_in_period_ = sent_in_period_ = 0;
}

bool Watch::note(const WatchedState& state, std::uint64_t now) noexcept {
  bool begins = fresh_;
  if (fresh_) {
    fresh_ = false;
    opened_ = now;
    received_at_ = sent_at_ = now;
  }
  if (received_now_) {
    received_now_ = false;
    heard_ = true;
    received_at_ = now;
  }
  if (sent_now_) {
    sent_now_ = false;
    sent_at_ = now;
  }
  const bool resumed = state.receiving && !receiving_;
  receiving_ = state.receiving;
  if (resumed) received_at_ = now;
  if (message_begins_ || (resumed && in_message_)) {
    if (!message_begins_) received_in_period_ = 0;
    message_begins_ = false;
    message_period_ = now;
    begins = true;
  }
  if (state.queued && (!queued_ || emptied_)) {
    queued_at_ = read_period_ = now;
    sent_in_period_ = 0;
    begins = true;
  }
  queued_ = state.queued;
  emptied_ = false;
  return begins || resumed;
}

template <class Visit>
void Watch::for_each_due(const DeadlineRules& rules, const WatchedState& state, Visit&& visit) const noexcept {
  using enum DisconnectReason;
  const auto due = [&](DisconnectReason reason, std::uint64_t since, std::uint64_t limit) {
    if (limit != 0) visit(reason, since + limit);
  };
  due(lifetime, opened_, rules.lifetime);
  if (state.queued) {
    due(min_rate, std::max(queued_at_, sent_at_), rules.write);
    due(min_rate, read_period_, rules.grace);
  }
  if (!state.open) return;
  if (state.receiving && in_message_) due(min_rate, message_period_, rules.grace);
  if (state.receiving && !heard_) due(idle_timeout, received_at_, rules.first_byte);
  if (state.receiving) due(idle_timeout, received_at_, rules.idle_receive);
  due(idle_timeout, sent_at_, rules.idle_send);
  due(idle_timeout, std::max(received_at_, sent_at_), rules.idle);
}

std::optional<std::uint64_t> Watch::next_due(const DeadlineRules& rules, const WatchedState& state) const noexcept {
  std::optional<std::uint64_t> first;
  for_each_due(rules, state,
               [&first](DisconnectReason, std::uint64_t due) { first = std::min(first.value_or(due), due); });
  return first;
}

void Watch::next_periods(const DeadlineRules& rules, const WatchedState& state, std::uint64_t judged,
                         std::uint64_t now) noexcept {
  const auto follow = [&](std::uint64_t& period, std::uint32_t& bytes) {
    if (judged < period + rules.grace || bytes < rules.bytes_a_grace) return;
    period = now;
    bytes = 0;
  };
  if (rules.grace == 0) return;
  if (state.queued) follow(read_period_, sent_in_period_);
  if (in_message_) follow(message_period_, received_in_period_);
}

std::optional<DisconnectReason> Watch::over(const DeadlineRules& rules, const WatchedState& state, std::uint64_t judged,
                                            std::uint64_t now) noexcept {
  next_periods(rules, state, judged, now);
  std::optional<DisconnectReason> reason;
  for_each_due(rules, state, [&](DisconnectReason of, std::uint64_t due) {
    if (due <= judged && !reason) reason = of;
  });
  return reason;
}

}  // namespace iocpp::core

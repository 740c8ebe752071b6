#include "simulator/deadline_witness.hpp"

#include <algorithm>

namespace iocpp::simulator {
namespace {

bool is_over(std::chrono::milliseconds limit, TimePoint since, TimePoint now, std::chrono::nanoseconds slack = {}) {
  return limit.count() != 0 && now - since >= limit + slack;
}

}  // namespace

std::uint64_t DeadlineWitness::Flow::since(TimePoint time) const noexcept {
  std::uint64_t sum = 0;
  for (auto part = parts_.rbegin(); part != parts_.rend() && part->time > time; ++part) sum += part->bytes;
  return sum;
}

/// In the last `span` fewer bytes have gone that way than must in so many periods of grace.
bool DeadlineWitness::too_few(const Flow& flow, const Deadlines& deadlines, TimePoint now, const Periods& of) {
  const std::chrono::duration<double> grace = deadlines.min_rate_grace;
  const double least = std::max(static_cast<double>(deadlines.min_rate_bytes) * grace.count(), 1.0);
  return static_cast<double>(flow.since(now - of.span)) < least * of.count;
}

bool DeadlineWitness::reads_slowly(const Deadlines& deadlines, TimePoint now, const Periods& of) const {
  return deadlines.min_rate_bytes != 0 && queued_ && now - queued_since_ >= of.span &&
         too_few(sent_, deadlines, now, of);
}

bool DeadlineWitness::sends_slowly(const Deadlines& deadlines, TimePoint now, const Periods& of) const {
  return deadlines.min_rate_bytes != 0 && in_message_ && !peer_ended_ && now - message_since_ >= of.span &&
         too_few(received_, deadlines, now, of);
}

bool DeadlineWitness::may_end(DisconnectReason reason, const Deadlines& deadlines, TimePoint now) const noexcept {
  switch (reason) {
    case DisconnectReason::lifetime:
      return is_over(deadlines.lifetime, connected_, now);
    case DisconnectReason::idle_timeout:
      return (!heard_ && is_over(deadlines.first_byte, connected_, now)) ||
             is_over(deadlines.idle_receive, received_at_, now) || is_over(deadlines.idle_send, sent_at_, now) ||
             is_over(deadlines.idle, std::max(received_at_, sent_at_), now);
    case DisconnectReason::min_rate:
      return quiet_ || (queued_ && is_over(deadlines.write, std::max(queued_since_, sent_at_), now)) ||
             reads_slowly(deadlines, now, {1, deadlines.min_rate_grace}) ||
             sends_slowly(deadlines, now, {1, deadlines.min_rate_grace});
    default:
      return false;
  }
}

bool DeadlineWitness::outlived(const Deadlines& deadlines, TimePoint now, std::chrono::nanoseconds slack,
                               std::chrono::nanoseconds lateness) const noexcept {
  // Of four in a row, each as long as it can be, three lie in their time as a whole.
  const Periods periods{3, 4 * (deadlines.min_rate_grace + lateness)};
  const bool unread = queued_ && is_over(deadlines.write, std::max(queued_since_, sent_at_), now, slack);
  if (is_over(deadlines.lifetime, connected_, now, slack)) return true;
  if (!quiet_ && (unread || reads_slowly(deadlines, now, periods))) return true;
  if (held_) return false;
  return (!peer_ended_ && !heard_ && is_over(deadlines.first_byte, connected_, now, slack)) ||
         (!peer_ended_ && is_over(deadlines.idle_receive, received_at_, now, slack)) ||
         (!quiet_ && is_over(deadlines.idle_send, sent_at_, now, slack)) ||
         (!quiet_ && is_over(deadlines.idle, std::max(received_at_, sent_at_), now, slack)) ||
         sends_slowly(deadlines, now, periods);
}

}  // namespace iocpp::simulator

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

/// In the last `span` fewer bytes have gone one way than must in one grace time, and there were some to go all the
/// time.
bool DeadlineWitness::slow(const Deadlines& deadlines, TimePoint now, std::chrono::nanoseconds span) const noexcept {
  if (deadlines.min_rate_bytes == 0) return false;
  const std::chrono::duration<double> grace = deadlines.min_rate_grace;
  const double least = static_cast<double>(deadlines.min_rate_bytes) * grace.count();
  const auto too_few = [&](const Flow& flow) {
    return static_cast<double>(flow.since(now - span)) < std::max(least, 1.0);
  };
  return (queued_ && now - queued_since_ >= span && too_few(sent_)) ||
         (in_message_ && !peer_ended_ && now - message_since_ >= span && too_few(received_));
}

bool DeadlineWitness::may_end(DisconnectReason reason, const Deadlines& deadlines, TimePoint now) const noexcept {
  switch (reason) {
    case DisconnectReason::lifetime:
      return is_over(deadlines.lifetime, connected_, now);
    case DisconnectReason::idle_timeout:
      return is_over(deadlines.first_byte, connected_, now) || is_over(deadlines.idle_receive, received_at_, now) ||
             is_over(deadlines.idle_send, sent_at_, now) ||
             is_over(deadlines.idle, std::max(received_at_, sent_at_), now);
    case DisconnectReason::min_rate:
      return (queued_ && is_over(deadlines.write, std::max(queued_since_, sent_at_), now)) ||
             slow(deadlines, now, deadlines.min_rate_grace);
    default:
      return false;
  }
}

bool DeadlineWitness::outlived(const Deadlines& deadlines, TimePoint now,
                               std::chrono::nanoseconds slack) const noexcept {
  if (is_over(deadlines.lifetime, connected_, now, slack)) return true;
  if (held_) return false;
  const bool silent = received_at_ == connected_;
  return (!peer_ended_ && silent && is_over(deadlines.first_byte, connected_, now, slack)) ||
         (!peer_ended_ && is_over(deadlines.idle_receive, received_at_, now, slack)) ||
         is_over(deadlines.idle_send, sent_at_, now, slack) ||
         is_over(deadlines.idle, std::max(received_at_, sent_at_), now, slack) ||
         (queued_ && is_over(deadlines.write, std::max(queued_since_, sent_at_), now, slack)) ||
         slow(deadlines, now, 2 * deadlines.min_rate_grace + slack);
}

}  // namespace iocpp::simulator

// What the seed decides before anything happens.
#include <array>

#include "simulator/run.hpp"

namespace iocpp::simulator {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Small more often than large, since trouble is at the small end.
std::uint64_t scaled(Prng& prng, std::uint64_t least, unsigned doublings) {
  return least << prng.below(doublings + 1);
}

Habits draft_habits(Prng& prng) {
  Habits habits;
  // An entry fewer than a connection needs in a turn would never do; see io_uring_setup(2) for the sizes.
  habits.submission_entries_max = one_in(prng, 3) ? static_cast<unsigned>(scaled(prng, 1, 6)) : 1024;
  habits.completion_entries_max = one_in(prng, 3) ? static_cast<unsigned>(scaled(prng, 2, 8)) : 8192;
  habits.taskrun_flags = !one_in(prng, 8);
  habits.incremental_buffers = !one_in(prng, 3);
  habits.multishot_accept = !one_in(prng, 8);
  habits.multishot_receive = !one_in(prng, 8);
  habits.precise_waits = !one_in(prng, 8);
  habits.system_handles = !one_in(prng, 4);
  habits.inline_of_8 = static_cast<unsigned>(prng.below(9));
  habits.step_max = microseconds{scaled(prng, 1, 10)};
  habits.network.latency_max = microseconds{scaled(prng, 1, 13)};
  habits.network.receive_buffer = scaled(prng, 512, 9);
  habits.network.send_buffer = scaled(prng, 512, 9);
  habits.network.backlog = static_cast<std::uint32_t>(scaled(prng, 4, 8));
  return habits;
}

/// A share of all kinds, long enough for whoever is served.
void draft_deadlines(Prng& prng, Draft& draft) {
  Deadlines& deadlines = draft.core.deadlines;
  for (milliseconds* deadline : {&deadlines.first_byte, &deadlines.idle_receive, &deadlines.idle_send, &deadlines.idle,
                                 &deadlines.write, &deadlines.lifetime}) {
    if (one_in(prng, 5)) *deadline = milliseconds{scaled(prng, 250, 4)};
  }
  if (!one_in(prng, 3)) {
    deadlines.min_rate_bytes = scaled(prng, 64, 4);
    deadlines.min_rate_grace = milliseconds{scaled(prng, 250, 3)};
  }
  if (one_in(prng, 2)) {
    draft.handler.slow_max = milliseconds{scaled(prng, 16, 2)};
    draft.handler.slow_one_in = 16;
  }
  draft.handler.messages = deadlines.min_rate_bytes != 0;
  draft.handler.timers = one_in(prng, 2);
  draft.peers.stays_max = seconds{30};
  draft.peers.slow_pause_max = seconds{2};
  draft.peers.trickle_pause = milliseconds{scaled(prng, 50, 2)};
}

/// Wide enough for the clients at a run's end, who must be served.
void draft_limits(Prng& prng, Draft& draft) {
  if (!one_in(prng, 2)) return;
  Limits& limits = draft.limits;
  draft.habits.network.addresses = static_cast<std::uint32_t>(scaled(prng, 1, 6));
  constexpr std::array when_full{WhenFull::pause, WhenFull::pause, WhenFull::close, WhenFull::reset};
  limits.when_full = when_full[prng.below(when_full.size())];
  // Two that pause, full at the same time, are the case that has frozen others.
  const bool both = limits.when_full == WhenFull::pause && one_in(prng, 2);
  if (both || !one_in(prng, 3)) limits.connections_max = between(prng, 8, both ? 16 : 64);
  if (one_in(prng, 2)) limits.connections_per_address = static_cast<std::uint32_t>(between(prng, 8, 32));
  if (both || one_in(prng, 2)) {
    limits.accepts_per_second = static_cast<std::uint32_t>(scaled(prng, 50, 7));
    limits.accepts_burst = static_cast<std::uint32_t>(between(prng, 16, 64));
  }
  if (one_in(prng, 3)) {
    limits.accepts_per_second_per_address = static_cast<std::uint32_t>(scaled(prng, 20, 6));
    limits.accepts_burst_per_address = static_cast<std::uint32_t>(between(prng, 16, 48));
  }
}

/// Every client comes by a proxy.
void draft_proxy(Prng& prng, Draft& draft) {
  if (!one_in(prng, 4)) return;
  draft.proxy.trusted = {"10.0.0.0/8"};
  draft.proxy.timeout = seconds{scaled(prng, 1, 2)};
  draft.peers.by_proxy = true;
  // Who is not named is not counted for an address, which the checker would not know.
  draft.peers.names_all_clients =
      draft.limits.connections_per_address != 0 || draft.limits.accepts_per_second_per_address != 0 || one_in(prng, 2);
  draft.peers.header_time = draft.proxy.timeout + seconds{3} + 256 * draft.handler.slow_max;
}

}  // namespace

Draft draft(const Plan& plan) {
  Prng prng = Streams{plan.seed}.plan;
  Draft draft;
  draft.habits = draft_habits(prng);
  draft.shards = one_in(prng, 2) ? 1 : static_cast<unsigned>(between(prng, 2, 4));
  draft.accept_loop = one_in(prng, 4);
  draft.accepts_in_flight = static_cast<unsigned>(scaled(prng, 1, 4));
  draft.limits.connections_max = one_in(prng, 8) ? between(prng, 8, 64) : 100'000;
  draft.receive_ring_bytes = one_in(prng, 4) ? 1U << 20 : 64U << 10;
  draft.core.send_queue_bytes_high = scaled(prng, 1024, 10);
  draft.core.send_queue_bytes_low = draft.core.send_queue_bytes_high / 4;
  draft.turn_delay_max = microseconds{scaled(prng, 1, 8)};
  draft.handler.slow_max = one_in(prng, 3) ? milliseconds{scaled(prng, 1, 8)} : milliseconds{0};
  draft.handler.by_mailbox = one_in(prng, 8);
  if (one_in(prng, 8)) draft.core.send_queue_bytes_max = draft.core.send_queue_bytes_high + between(prng, 0, 8192);
  draft.peers.connections = plan.connections;
  draft.peers.at_once = static_cast<std::uint32_t>(scaled(prng, 4, 6));
  draft.peers.bytes_max = static_cast<std::uint32_t>(scaled(prng, 64, 7));
  draft.peers.pause_max = microseconds{scaled(prng, 8, 9)};
  draft.peers.expects_echo = plan.expects_echo;
  draft.posted_receive_bytes = one_in(prng, 3) ? scaled(prng, 16, 9) : 0;
  draft.drain_timeout = one_in(prng, 2) ? seconds{1} : seconds{4};
  // Fewer bytes than a connection's: input after close() meets its bound.
  if (one_in(prng, 4)) draft.core.linger_bytes_max = scaled(prng, 256, 8);
  if (one_in(prng, 4)) draft.drain_after = between(prng, plan.connections / 2, plan.connections);
  draft.lend_bytes_min = scaled(prng, 1, 10);
  draft.handler.hears_sent = one_in(prng, 2);
  draft_limits(prng, draft);
  if (one_in(prng, 8)) draft.mailbox_bytes_max = scaled(prng, 256, 6);
  if (one_in(prng, 3)) draft_deadlines(prng, draft);
  // Clients that know what they are owed stay; of others the probe would have to wait for their time to be over.
  if (!plan.expects_echo) draft.peers.stays_max = PeerHabits{}.stays_max;
  if (one_in(prng, 8)) draft.send_bytes_max_total = scaled(prng, 4096, 6);
  draft_proxy(prng, draft);
  if (one_in(prng, 3)) draft.handler.message_bytes = scaled(prng, 16, 8);
  apply(plan.scenario, system_of(plan.platform), draft);
  return draft;
}

}  // namespace iocpp::simulator

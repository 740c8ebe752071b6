// What a server has done and what went wrong, as numbers that only grow (but the gauges).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <iocpp/connection.hpp>
#include <iocpp/limits.hpp>

namespace iocpp {

/// How many there are: the length of `Counters::disconnected`.
inline constexpr std::size_t disconnect_reasons = static_cast<std::size_t>(DisconnectReason::stage_failed) + 1;

/// A snapshot, added up over the shards. Each number is exact; numbers of one snapshot may be some microseconds apart.
/// Accepts that succeeded = `accepted` + `shed` + `refused` + `stage_failed` + `preparing`; `accepted` =
/// `connections_open` + all of `disconnected`, once at rest.
struct Counters {
  // Accepting, by outcome (docs/ACCEPTING.md has the table).
  std::uint64_t accepted = 0;  ///< Became connections (`on_connect` was called).
  std::uint64_t shed = 0;      ///< Accepted and closed at once, to answer a client at the handle limit.
  std::uint64_t refused = 0;   ///< Accepted and closed or reset: a limit had no room for it, or the system or memory.
  std::array<std::uint64_t, refusals> refused_for{};  ///< The same by `Refusal`.
  std::uint64_t accept_attempts = 0;                  ///< Accepts posted to the system (a multishot one counts once).
  std::uint64_t accept_dropped = 0;                   ///< Accepts that failed because that client had left.
  std::uint64_t accept_no_resources = 0;              ///< Accepts that failed for want of buffers or memory.
  std::uint64_t accept_no_handles = 0;                ///< Accepts that failed at the handle limit.
  std::uint64_t accept_retries_paced = 0;             ///< Times that accepting waited before it tried again.
  std::uint64_t accept_pauses = 0;                    ///< Times that a limit paused a listener (`WhenFull::pause`).
  std::uint64_t addresses_untracked = 0;  ///< Accepted, and not counted for their address: `Limits::addresses_max`.
  std::uint64_t listeners_lost = 0;       ///< Listeners that became unusable.
  std::uint64_t listeners_restored = 0;   ///< Listeners that were made anew.

  // Behind proxies (`Options::proxy_protocol`).
  std::uint64_t preparing = 0;                               ///< Gauge: not told of; not among `connections_open`.
  std::uint64_t stage_failed = 0;                            ///< Ended before that, without `on_connect`; by reason:
  std::array<std::uint64_t, proxy_failures> proxy_failed{};  ///< By `ProxyFailure`.

  // Connections.
  std::uint64_t connections_open = 0;                            ///< Gauge.
  std::array<std::uint64_t, disconnect_reasons> disconnected{};  ///< By `DisconnectReason`.
  std::uint64_t bytes_received = 0;        ///< Of connections; what was discarded after a close too.
  std::uint64_t bytes_sent = 0;            ///< Handed to the system.
  std::uint64_t unsent_bytes = 0;          ///< Lost with connections that ended early.
  std::uint64_t handler_exceptions = 0;    ///< That have left a callback or a task.
  std::uint64_t send_total_overflows = 0;  ///< Of `send_overflow`: by `Options::send_queue_bytes_max_total`.

  // Resources.
  std::uint64_t receive_buffers_empty = 0;  ///< A receive found no buffer; it was posted again.
  std::uint64_t resource_retries = 0;       ///< Receives or sends that failed for want of memory and were posted again.
  std::uint64_t completion_overflows = 0;   ///< The completion queue was full; the system kept the rest.
  std::uint64_t stale_completions = 0;      ///< Arrived for a connection that was gone; absorbed.
  std::uint64_t mailbox_full = 0;           ///< `Server::send` or another call from outside answered `would_block`.
  std::uint64_t mailbox_undeliverable = 0;  ///< `on_send_failed` was called.
  std::uint64_t misplaced_calls = 0;        ///< Of a `Connection`, not on its shard's thread: they did nothing.
  std::uint64_t loop_errors = 0;            ///< Waits for completions that failed.
  std::uint64_t turns = 0;                  ///< Turns of the shards' loops.

  // Accept health, gauges.
  std::uint64_t listeners_open = 0;     ///< Listening sockets.
  std::uint64_t accepts_in_flight = 0;  ///< Accepts, or polls of a listener, that the system holds.
  std::uint64_t listeners_waiting = 0;  ///< Listeners that wait for a retry.
  std::uint64_t listeners_paused = 0;   ///< Listeners that a limit has paused.
};

/// One of them, with the name that it has above: for logs and for what measures.
struct NamedCounter {
  std::string_view name;            ///< `accepted`, ...; ends with a 0, too.
  std::uint64_t Counters::*number;  ///< `counters.*number` is its value.
};

/// All single numbers, in the order of `Counters`. Those by reason (`refused_for`, `proxy_failed`, `disconnected`) have
/// the names that `to_string` gives their reasons.
///
///     for (const iocpp::NamedCounter& each : iocpp::named_counters)
///       out << each.name << ' ' << counters.*each.number << '\n';
inline constexpr std::array<NamedCounter, 33> named_counters{{
    {"accepted", &Counters::accepted},
    {"shed", &Counters::shed},
    {"refused", &Counters::refused},
    {"accept_attempts", &Counters::accept_attempts},
    {"accept_dropped", &Counters::accept_dropped},
    {"accept_no_resources", &Counters::accept_no_resources},
    {"accept_no_handles", &Counters::accept_no_handles},
    {"accept_retries_paced", &Counters::accept_retries_paced},
    {"accept_pauses", &Counters::accept_pauses},
    {"addresses_untracked", &Counters::addresses_untracked},
    {"listeners_lost", &Counters::listeners_lost},
    {"listeners_restored", &Counters::listeners_restored},
    {"preparing", &Counters::preparing},
    {"stage_failed", &Counters::stage_failed},
    {"connections_open", &Counters::connections_open},
    {"bytes_received", &Counters::bytes_received},
    {"bytes_sent", &Counters::bytes_sent},
    {"unsent_bytes", &Counters::unsent_bytes},
    {"handler_exceptions", &Counters::handler_exceptions},
    {"send_total_overflows", &Counters::send_total_overflows},
    {"receive_buffers_empty", &Counters::receive_buffers_empty},
    {"resource_retries", &Counters::resource_retries},
    {"completion_overflows", &Counters::completion_overflows},
    {"stale_completions", &Counters::stale_completions},
    {"mailbox_full", &Counters::mailbox_full},
    {"mailbox_undeliverable", &Counters::mailbox_undeliverable},
    {"misplaced_calls", &Counters::misplaced_calls},
    {"loop_errors", &Counters::loop_errors},
    {"turns", &Counters::turns},
    {"listeners_open", &Counters::listeners_open},
    {"accepts_in_flight", &Counters::accepts_in_flight},
    {"listeners_waiting", &Counters::listeners_waiting},
    {"listeners_paused", &Counters::listeners_paused},
}};
static_assert(sizeof(Counters) ==
                  (named_counters.size() + refusals + proxy_failures + disconnect_reasons) * sizeof(std::uint64_t),
              "each number has its name");

}  // namespace iocpp

#include "core/shard_counters.hpp"

namespace iocpp::core {

void ShardCounters::add_to(Counters& sum) const noexcept {
  sum.accepted += accepted.get();
  sum.shed += shed.get();
  sum.refused += refused.get();
  for (std::size_t why = 0; why < refusals; ++why) sum.refused_for[why] += refused_for[why].get();
  sum.accept_attempts += accept_attempts.get();
  sum.accept_dropped += accept_dropped.get();
  sum.accept_no_resources += accept_no_resources.get();
  sum.accept_no_handles += accept_no_handles.get();
  sum.accept_retries_paced += accept_retries_paced.get();
  sum.accept_pauses += accept_pauses.get();
  sum.listeners_lost += listeners_lost.get();
  sum.listeners_restored += listeners_restored.get();
  sum.preparing += preparing.get();
  sum.stage_failed += stage_failed.get();
  for (std::size_t failure = 0; failure < proxy_failures; ++failure)
    sum.proxy_failed[failure] += proxy_failed[failure].get();
  sum.connections_open += connections_open.get();
  for (std::size_t reason = 0; reason < disconnect_reasons; ++reason)
    sum.disconnected[reason] += disconnected[reason].get();
  sum.bytes_received += bytes_received.get();
  sum.bytes_sent += bytes_sent.get();
  sum.unsent_bytes += unsent_bytes.get();
  sum.handler_exceptions += handler_exceptions.get();
  sum.send_total_overflows += send_total_overflows.get();
  sum.receive_buffers_empty += receive_buffers_empty.get();
  sum.resource_retries += resource_retries.get();
  sum.completion_overflows += completion_overflows.get();
  sum.stale_completions += stale_completions.get();
  sum.mailbox_undeliverable += mailbox_undeliverable.get();
  sum.misplaced_calls += misplaced_calls.get();
  sum.loop_errors += loop_errors.get();
  sum.turns += turns.get();
  sum.listeners_open += listeners_open.get();
  sum.accepts_in_flight += accepts_in_flight.get();
  sum.listeners_waiting += listeners_waiting.get();
  sum.listeners_paused += listeners_paused.get();
}

}  // namespace iocpp::core

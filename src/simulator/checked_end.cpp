// The end of a connection: why, when, and what was sent until then.
#include <algorithm>

#include "base/native_codes.hpp"
#include "iocpp/error.hpp"
#include "simulator/checked_handler.hpp"

namespace iocpp::simulator {
namespace {

/// close() waits so long for the peer's end (core::CoreConfig), and so long for each part of what is queued.
constexpr std::chrono::seconds linger_timeout{5};
/// Until an abort from another thread has had its effect: a wake that could not be posted, and slow callbacks.
constexpr std::chrono::seconds abort_bound{4};

}  // namespace

void CheckedHandler::check_end(const Witness& known, const Disconnect& how) {
  if (ended_by_deadline(known, how.reason)) return;
  Link* link = link_of(known.id);
  const bool lost = machine_.has_lost(known.id.shard()) && how.error == native_error(linux_errno::badr);
  if (lost && link != nullptr) link->spoiled = true;  // it is reset, whatever it was at
  if (!lost && !has_cause(known, how.reason))
    machine_.violate(11, "on_disconnect with a reason for which there was no cause");
  if (known.aborted && machine_.now() - known.aborted_at > abort_bound)
    machine_.violate(12, "a connection went on for seconds after abort()");
  if (known.must_overflow && how.reason != DisconnectReason::send_overflow && !known.threw)
    machine_.violate(16, "more was sent than the queue may hold, and the connection did not end for that");
  const bool enough = link != nullptr && link->read - link->header > known.received + habits_.linger_bytes_max;
  const bool by_patience = !enough && habits_.known && how.reason == DisconnectReason::local_close && !known.aborted &&
                           !draining_ && habits_.deadlines.lifetime.count() == 0 && link != nullptr &&
                           !link->to_server.end_arrived && !link->reset_at_server;
  if (!by_patience || machine_.now() - known.called >= linger_timeout) return;
  if (machine_.has_lost(known.id.shard())) {
    link->spoiled = true;  // all was sent, and its reason stands
  } else {
    machine_.violate(15, "close() has waited for the peer's end for less than its time");
  }
}

/// close() has its bounds, in time since anything was sent and in bytes that nobody reads.
void CheckedHandler::check_close(const Witness& known, const Disconnect& how) {
  if (!habits_.known || !known.closed || draining_) return;
  constexpr int slow_in_row = 256;
  const std::chrono::nanoseconds most = linger_timeout + abort_bound + slow_in_row * habits_.slow_max;
  if (machine_.now() - std::max(known.called, known.closed_at) > most)
    machine_.violate(12, "a connection went on after close() for longer than it may");
  Link* link = link_of(known.id);
  if (link == nullptr) return;
  // Its sends fell short of memory until its time was over: what was to be sent is lost. The longest wait for the next
  // try is a second.
  const bool short_to_the_end = machine_.now() - link->short_at < std::chrono::seconds{2} + 12 * habits_.slow_max;
  if (link->shortages != 0 && short_to_the_end && machine_.now() - known.called >= linger_timeout) link->spoiled = true;
  const std::uint64_t unread = link->read - link->header - known.received;
  if (unread <= habits_.linger_bytes_max) return;
  // It may have been reset for that, and what was under way to the client is lost.
  link->spoiled = true;
  // Once while it flushes and once when it has; what the system had already comes on top.
  const std::size_t slack = 4 * habits_.receive_buffer + (16U << 10);
  if (unread > 2 * habits_.linger_bytes_max + slack && how.reason != DisconnectReason::handler_threw &&
      !machine_.cancels_refused)
    machine_.violate(12, "input after close() was read, and read on");
}

/// on_sent and `unsent_bytes` tell of every byte, once. A send that ends when the connection is over already is not
/// told of any more; on Windows one that was cancelled when a part of it had left counts as unsent.
void CheckedHandler::check_sent(const Witness& known, const Disconnect& how) {
  const Link* link = link_of(known.id);
  if (link == nullptr) return;
  const bool in_order = !how.error && how.unsent_bytes == 0 &&
                        (how.reason == DisconnectReason::local_close || how.reason == DisconnectReason::peer_closed);
  if (in_order && known.sent != link->written) machine_.violate(10, "on_sent has not told of every byte that was sent");
  if (!sends_are_known()) return;
  if (known.sent + how.unsent_bytes > known.accepted)
    machine_.violate(10, "more bytes are told of as sent or unsent than there were");
  if (link->written + how.unsent_bytes < known.accepted)
    machine_.violate(10, "on_disconnect does not tell of bytes that were not sent");
}

/// Whether something has happened that the reason can mean.
bool CheckedHandler::has_cause(const Witness& known, DisconnectReason reason) noexcept {
  const Link* link = link_of(known.id);
  const bool reset = link == nullptr || link->reset_at_server;
  switch (reason) {
    case DisconnectReason::peer_closed:
      return reset || link->to_server.end_arrived;
    case DisconnectReason::peer_reset:
    case DisconnectReason::network_error:
      return reset;
    case DisconnectReason::local_close:
      return !habits_.known || known.closed || draining_;
    case DisconnectReason::local_abort:
      return !habits_.known || known.aborted;
    case DisconnectReason::handler_threw:
      return !habits_.known || known.threw;
    case DisconnectReason::send_overflow:
      return !habits_.known || known.overflows || habits_.by_mailbox || habits_.total_capped;
    case DisconnectReason::drain_deadline:
      return draining_;
    case DisconnectReason::out_of_resources:
    case DisconnectReason::idle_timeout:
    case DisconnectReason::lifetime:
    case DisconnectReason::min_rate:
    case DisconnectReason::limit:
    case DisconnectReason::stage_failed:
      return false;
  }
  return false;
}

/// Of one that was in the middle of a message when it was told: not closed before that has ended, and soon after.
void CheckedHandler::check_message(const Witness& known, const Disconnect& how) {
  if (!known.awaited) return;
  const bool complete = known.awaited_until != TimePoint{};
  if (!complete && !known.closed && how.reason == DisconnectReason::local_close)
    machine_.violate(10, "the drain has closed a connection in the middle of a message");
  const Link* link = link_of(known.id);
  const bool went_on = how.reason == DisconnectReason::drain_deadline && how.unsent_bytes == 0 && link != nullptr &&
                       !link->to_peer.ended;
  if (complete && went_on && machine_.now() - known.awaited_until > message_slack())
    machine_.violate(12, "a message has ended that the drain has awaited, and its connection went on");
}

}  // namespace iocpp::simulator

#include "serve_report.hpp"

#include <array>
#include <iomanip>
#include <string>
#include <string_view>

#include "program/figures.hpp"

namespace {

using program::bytes_text;
using program::line;
using program::with_commas;

/// For what should not happen: only when it did.
void line_if_any(std::ostream& out, std::string_view label, std::uint64_t number) {
  if (number != 0) line(out, label, with_commas(number));
}

/// One count for each of an enumeration.
template <class Reason, std::size_t size>
void lines_by(std::ostream& out, const std::array<std::uint64_t, size>& counts) {
  for (std::size_t at = 0; at < size; ++at)
    line_if_any(out, "  " + std::string{to_string(static_cast<Reason>(at))}, counts[at]);
}

template <class Reason, std::size_t size>
nlohmann::ordered_json json_by(const std::array<std::uint64_t, size>& counts) {
  nlohmann::ordered_json json;
  for (std::size_t at = 0; at < size; ++at) json[std::string{to_string(static_cast<Reason>(at))}] = counts[at];
  return json;
}

void print_accept_errors(std::ostream& out, const iocpp::Counters& counters) {
  line_if_any(out, "shed at the handle limit", counters.shed);
  line_if_any(out, "refused", counters.refused);
  lines_by<iocpp::Refusal>(out, counters.refused_for);
  line_if_any(out, "without a proxy's header", counters.stage_failed);
  lines_by<iocpp::ProxyFailure>(out, counters.proxy_failed);
  line_if_any(out, "pauses of a listener", counters.accept_pauses);
  line_if_any(out, "not counted by address", counters.addresses_untracked);
  line_if_any(out, "accepts of lost clients", counters.accept_dropped);
  line_if_any(out, "accepts without memory", counters.accept_no_resources);
  line_if_any(out, "accepts without a handle", counters.accept_no_handles);
  line_if_any(out, "listeners lost", counters.listeners_lost);
  line_if_any(out, "listeners restored", counters.listeners_restored);
}

}  // namespace

void print(std::ostream& out, const iocpp::Counters& counters, const iocpp::DrainReport& drain) {
  line(out, "accepted", with_commas(counters.accepted));
  lines_by<iocpp::DisconnectReason>(out, counters.disconnected);
  line_if_any(out, "  still open", counters.connections_open);
  print_accept_errors(out, counters);
  line(out, "received", bytes_text(static_cast<double>(counters.bytes_received)));
  line(out, "sent", bytes_text(static_cast<double>(counters.bytes_sent)));
  line_if_any(out, "queued and never sent", counters.unsent_bytes);
  line_if_any(out, "ended by the cap for all queues", counters.send_total_overflows);
  line_if_any(out, "exceptions of handlers", counters.handler_exceptions);
  line_if_any(out, "waits that failed", counters.loop_errors);
  line(out, "drained in",
       program::duration_text(drain.duration) + ": " + with_commas(drain.idle_closed) + " idle closed, " +
           with_commas(drain.finished) + " finished, " + with_commas(drain.cut) + " cut, " + with_commas(drain.failed) +
           " failed, " + bytes_text(static_cast<double>(drain.bytes_lost)) + " lost");
  if (drain.handed_over) line(out, "handed over to", "a successor");
}

nlohmann::ordered_json to_json(const iocpp::Counters& counters) {
  nlohmann::ordered_json json;
  for (const iocpp::NamedCounter& each : iocpp::named_counters) json[std::string{each.name}] = counters.*each.number;
  json["refused_for"] = json_by<iocpp::Refusal>(counters.refused_for);
  json["proxy_failed"] = json_by<iocpp::ProxyFailure>(counters.proxy_failed);
  json["disconnected"] = json_by<iocpp::DisconnectReason>(counters.disconnected);
  return json;
}

nlohmann::ordered_json to_json(const iocpp::DrainReport& drain) {
  return {{"idle_closed", drain.idle_closed},
          {"finished", drain.finished},
          {"cut", drain.cut},
          {"failed", drain.failed},
          {"bytes_lost", drain.bytes_lost},
          {"handed_over", drain.handed_over},
          {"duration_ms", drain.duration.count()}};
}

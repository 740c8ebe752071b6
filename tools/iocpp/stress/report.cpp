#include "stress/report.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <iomanip>
#include <optional>
#include <string>

#include "program/figures.hpp"

namespace stress {
namespace {

using program::bytes_text;
using program::duration_text;
using program::Figures;
using program::line;
using program::with_commas;

struct Percentile {
  const char* text;
  const char* key;
  double share;
};
constexpr std::array<Percentile, 5> percentiles{{{"p50", "p50", 0.5},
                                                 {"p90", "p90", 0.9},
                                                 {"p99", "p99", 0.99},
                                                 {"p99.9", "p99_9", 0.999},
                                                 {"p99.99", "p99_99", 0.9999}}};

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}
double milliseconds_of(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

double per_second(std::uint64_t number, Duration duration) {
  return duration > Duration{0} ? static_cast<double>(number) / seconds_of(duration) : 0;
}

std::string rate_text(std::uint64_t number, Duration duration) {
  return with_commas(static_cast<std::uint64_t>(per_second(number, duration))) + " a second";
}

void add_faults(Figures& figures, const FaultCounts& faults) {
  figures.push_back({"errors", with_commas(faults.total())});
  for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
    const auto fault = static_cast<Fault>(kind);
    if (faults[fault] != 0) figures.push_back({"  " + std::string{text_of(fault)}, with_commas(faults[fault])});
  }
  if (!faults.wrong_answer().empty()) figures.push_back({"  the first of them began", faults.wrong_answer().text()});
}

Json faults_json(const FaultCounts& faults) {
  Json json;
  for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
    const auto fault = static_cast<Fault>(kind);
    json[std::string{key_of(fault)}] = faults[fault];
  }
  return json;
}

void add_stall(Figures& figures, Duration stall) {
  figures.push_back({"the client's own longest stall", duration_text(stall)});
}

std::string_view verdict_key(Verdict verdict) {
  switch (verdict) {
    case Verdict::still_accepting:
      return "still accepting";
    case Verdict::not_serving:
      return "not serving";
    case Verdict::deaf:
      break;
  }
  return "DEAF";
}

std::string probe_text(const ProbeResult& probe) {
  const std::string text = std::to_string(probe.served) + " of " + std::to_string(probe.wanted) + " served";
  return probe.fault ? text + ", then " + std::string{text_of(*probe.fault)} : text;
}

Json probe_json(const ProbeResult& probe) {
  Json json{{"wanted", probe.wanted},
            {"attempted", probe.attempted},
            {"established", probe.established},
            {"served", probe.served},
            {"fault", nullptr}};
  if (probe.fault) json["fault"] = key_of(*probe.fault);
  return json;
}

std::string each_text(std::optional<double> bytes) {
  if (!bytes) return "not known: none was left to be measured";
  if (*bytes < 1) return "not to be told: the server has kept memory of earlier connections";
  return bytes_text(*bytes) + " (the kernel's is not in it)";
}

std::string percent_text(double share) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f %%", 100 * share);
  return text.data();
}

void add_side(Figures& figures, std::string_view name, const SlowSide& side) {
  figures.push_back({std::string{name}, with_commas(side.established)});
  figures.push_back({"  still connected", with_commas(side.still_connected)});
  figures.push_back({"  ended by the server in order", with_commas(side.ended_in_order)});
  figures.push_back({"  reset by the server", with_commas(side.reset)});
  if (side.ended_in_order + side.reset == 0) return;
  figures.push_back({"  after", duration_text(side.first_end) + " to " + duration_text(side.last_end)});
}

Json side_json(const SlowSide& side) {
  return {{"established", side.established},
          {"still_connected", side.still_connected},
          {"ended_in_order", side.ended_in_order},
          {"reset", side.reset},
          {"bytes", side.bytes},
          {"first_end_seconds", seconds_of(side.first_end)},
          {"last_end_seconds", seconds_of(side.last_end)}};
}

/// Fewer ticks than could have been lost in rounding are told as a bound.
std::optional<std::string> cpu_text(const ServerCost& cost) {
  const auto share = cost.cpu_share();
  if (!share) return std::nullopt;
  if (cost.cpu >= cost.cpu_step) return percent_text(*share) + " of a core";
  return "less than " + percent_text(std::chrono::duration<double>(cost.cpu_step) / cost.cpu_measured) + " of a core";
}

void add_server(Figures& figures, const ServerCost& cost) {
  const bool one = cost.process_ids.size() == 1;
  figures.push_back({"server", one ? "process " + std::to_string(cost.process_ids.front())
                                   : with_commas(cost.process_ids.size()) + " processes, all together"});
  figures.push_back({"user memory a connection", each_text(cost.bytes_each())});
  figures.push_back({"  resident before the first",
                     bytes_text(static_cast<double>(cost.resident_before)) + " (" + cost.memory_source + ")"});
  figures.push_back({"  resident with " + with_commas(cost.held), bytes_text(static_cast<double>(cost.resident_held))});
  figures.push_back({"  resident at the end", bytes_text(static_cast<double>(cost.resident_end))});
  if (const auto text = cpu_text(cost)) figures.push_back({"CPU while held", *text});
}

Json server_json(const ServerCost& cost) {
  Json json{{"process_ids", cost.process_ids},
            {"memory_source", cost.memory_source},
            {"resident_before_bytes", cost.resident_before},
            {"resident_held_bytes", cost.resident_held},
            {"resident_end_bytes", cost.resident_end},
            {"held", cost.held},
            {"bytes_per_connection", nullptr},
            {"cpu_seconds", seconds_of(cost.cpu)},
            {"cpu_step_seconds", seconds_of(cost.cpu_step)},
            {"cpu_share", nullptr}};
  if (const auto each = cost.bytes_each()) json["bytes_per_connection"] = *each;
  if (const auto share = cost.cpu_share()) json["cpu_share"] = *share;
  return json;
}

}  // namespace

Figures figures_of(const StormResult& result) {
  Figures figures;
  figures.push_back({"connections tried", with_commas(result.attempted)});
  figures.push_back({"established", with_commas(result.established) + " in " + duration_text(result.duration) + ", " +
                                        rate_text(result.established, result.duration)});
  figures.push_back({"  reset at once", with_commas(result.reset_at_once)});
  figures.push_back({"  echo verified, ended in order", with_commas(result.echoed)});
  add_faults(figures, result.faults);
  figures.push_back({"longest gap without an accept", duration_text(result.longest_gap)});
  if (result.longest_answer_gap)
    figures.push_back({"longest gap without an answer", duration_text(*result.longest_answer_gap)});
  add_stall(figures, result.longest_stall);
  if (result.gave_up) figures.push_back({"given up", "the server showed no sign of life"});
  figures.push_back({"probe", probe_text(result.probe)});
  return figures;
}

Figures figures_of(const EchoResult& result) {
  Figures figures;
  figures.push_back({"connections", with_commas(result.connections)});
  figures.push_back({"messages", with_commas(result.messages) + " in " + duration_text(result.duration) + ", " +
                                     rate_text(result.messages, result.duration)});
  figures.push_back({"bytes, each way", bytes_text(static_cast<double>(result.bytes)) + ", " +
                                            bytes_text(per_second(result.bytes, result.duration)) + " a second"});
  for (const Percentile& percentile : percentiles) {
    const auto nanoseconds = static_cast<Duration::rep>(result.latency.value_at(percentile.share));
    figures.push_back({std::string{"latency "} + percentile.text, duration_text(Duration{nanoseconds})});
  }
  figures.push_back({"latency max", duration_text(Duration{static_cast<Duration::rep>(result.latency.maximum())})});
  if (result.unsent != 0) figures.push_back({"due but not sent by the end", with_commas(result.unsent)});
  add_stall(figures, result.longest_stall);
  add_faults(figures, result.faults);
  return figures;
}

Figures figures_of(const PushResult& result) {
  Figures figures;
  figures.push_back({"connections", with_commas(result.connections)});
  figures.push_back({"pushed", bytes_text(static_cast<double>(result.bytes)) + " in " + duration_text(result.duration) +
                                   ", " + bytes_text(per_second(result.bytes, result.duration)) + " a second"});
  add_stall(figures, result.longest_stall);
  add_faults(figures, result.faults);
  return figures;
}

Figures figures_of(const SlowResult& result) {
  Figures figures;
  add_side(figures, "slow readers", result.readers);
  add_side(figures, "slow senders", result.senders);
  figures.push_back({"ran for", duration_text(result.duration)});
  add_stall(figures, result.longest_stall);
  add_faults(figures, result.faults);
  return figures;
}

Figures figures_of(const IdleResult& result) {
  Figures figures;
  figures.push_back({"established", with_commas(result.established)});
  figures.push_back({"  still connected", with_commas(result.still_connected)});
  figures.push_back({"  ended by the server in order", with_commas(result.ended_in_order)});
  figures.push_back({"  reset by the server", with_commas(result.reset)});
  if (result.first_end)
    figures.push_back(
        {"  after all had connected", duration_text(*result.first_end) + " to " + duration_text(*result.last_end)});
  figures.push_back({"held for", duration_text(result.duration)});
  if (result.server) add_server(figures, *result.server);
  if (!result.server) figures.push_back({"what they cost the server", "not known: " + result.why});
  add_stall(figures, result.longest_stall);
  add_faults(figures, result.faults);
  return figures;
}

void print(std::ostream& out, const Figures& figures) {
  for (const program::Figure& figure : figures) line(out, figure.label, figure.text);
}

Json to_json(const StormResult& result) {
  Json json{{"command", "storm"},
            {"verdict", verdict_key(result.verdict())},
            {"verdict_text", result.verdict_text()},
            {"attempted", result.attempted},
            {"established", result.established},
            {"established_with_probe", result.established + result.probe.established},
            {"reset_at_once", result.reset_at_once},
            {"echoed", result.echoed},
            {"seconds", seconds_of(result.duration)},
            {"connections_per_second", per_second(result.established, result.duration)},
            {"longest_gap_ms", milliseconds_of(result.longest_gap)},
            {"longest_answer_gap_ms", nullptr},
            {"longest_stall_ms", milliseconds_of(result.longest_stall)},
            {"gave_up", result.gave_up},
            {"errors_total", result.faults.total()},
            {"errors", faults_json(result.faults)},
            {"probe", probe_json(result.probe)}};
  if (result.longest_answer_gap) json["longest_answer_gap_ms"] = milliseconds_of(*result.longest_answer_gap);
  return json;
}

Json to_json(const EchoResult& result) {
  Json latency;
  for (const Percentile& percentile : percentiles) {
    latency[percentile.key] = static_cast<double>(result.latency.value_at(percentile.share)) / 1000;
  }
  latency["max"] = static_cast<double>(result.latency.maximum()) / 1000;
  return {{"command", "echo"},
          {"connections", result.connections},
          {"messages", result.messages},
          {"messages_per_second", per_second(result.messages, result.duration)},
          {"bytes", result.bytes},
          {"bytes_per_second", per_second(result.bytes, result.duration)},
          {"seconds", seconds_of(result.duration)},
          {"latency_us", latency},
          {"unsent", result.unsent},
          {"longest_stall_ms", milliseconds_of(result.longest_stall)},
          {"errors_total", result.faults.total()},
          {"errors", faults_json(result.faults)}};
}

Json to_json(const PushResult& result) {
  return {{"command", "push"},
          {"connections", result.connections},
          {"bytes", result.bytes},
          {"bytes_per_second", per_second(result.bytes, result.duration)},
          {"seconds", seconds_of(result.duration)},
          {"longest_stall_ms", milliseconds_of(result.longest_stall)},
          {"errors_total", result.faults.total()},
          {"errors", faults_json(result.faults)}};
}

Json to_json(const SlowResult& result) {
  return {{"command", "slow"},
          {"readers", side_json(result.readers)},
          {"senders", side_json(result.senders)},
          {"still_connected", result.still_connected()},
          {"seconds", seconds_of(result.duration)},
          {"longest_stall_ms", milliseconds_of(result.longest_stall)},
          {"errors_total", result.faults.total()},
          {"errors", faults_json(result.faults)}};
}

Json to_json(const IdleResult& result) {
  Json json{{"command", "idle"},
            {"established", result.established},
            {"still_connected", result.still_connected},
            {"ended_in_order", result.ended_in_order},
            {"reset", result.reset},
            {"first_end_seconds", nullptr},
            {"last_end_seconds", nullptr},
            {"seconds", seconds_of(result.duration)},
            {"server", nullptr},
            {"why", nullptr},
            {"longest_stall_ms", milliseconds_of(result.longest_stall)},
            {"errors_total", result.faults.total()},
            {"errors", faults_json(result.faults)}};
  if (result.first_end) json["first_end_seconds"] = seconds_of(*result.first_end);
  if (result.last_end) json["last_end_seconds"] = seconds_of(*result.last_end);
  if (result.server) json["server"] = server_json(*result.server);
  if (!result.server) json["why"] = result.why;
  return json;
}

}  // namespace stress

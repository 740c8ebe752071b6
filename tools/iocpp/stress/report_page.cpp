#include "stress/report_page.hpp"

#include <array>
#include <cstdio>
#include <string>
#include <vector>

namespace stress {
namespace {

using program::Bar;
using program::duration_text;
using program::Page;
using program::with_commas;

Bar count_bar(std::string_view label, std::uint64_t count, bool bad = false) {
  return {std::string{label}, static_cast<double>(count), with_commas(count), bad};
}

void add_errors(Page& page, const FaultCounts& faults) {
  page.section("Errors by kind");
  std::vector<Bar> bars;
  for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
    const auto fault = static_cast<Fault>(kind);
    if (faults[fault] != 0) bars.push_back(count_bar(text_of(fault), faults[fault], true));
  }
  page.chart("Connections that ended in an error", {"kind", "connections"}, bars);
  if (bars.empty()) page.paragraph("No error.");
}

std::string nanoseconds_text(std::uint64_t nanoseconds) {
  return duration_text(Duration{static_cast<Duration::rep>(nanoseconds)});
}

std::string share_text(std::uint64_t part, std::uint64_t all) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), " (%.2f %%)", 100 * static_cast<double>(part) / static_cast<double>(all));
  return with_commas(part) + text.data();
}

/// 1, 2, 5, 10, 20, 50, ... microseconds.
std::uint64_t edge_above(std::uint64_t edge) {
  std::uint64_t decade = 1;
  while (decade * 10 <= edge) decade *= 10;
  return edge / decade == 2 ? edge / 2 * 5 : edge * 2;
}

std::vector<Bar> latency_bars(const Histogram& latency) {
  std::vector<Bar> bars;
  std::uint64_t before = 0;
  for (std::uint64_t edge = 1000; before < latency.count(); edge = edge_above(edge)) {
    const std::uint64_t until = latency.count_to(edge);
    if (until != 0)
      bars.push_back({"up to " + nanoseconds_text(edge), static_cast<double>(until - before),
                      share_text(until - before, latency.count()), false});
    before = until;
  }
  return bars;
}

std::vector<Bar> percentile_bars(const Histogram& latency) {
  struct Percentile {
    const char* text;
    double share;
  };
  constexpr std::array<Percentile, 6> percentiles{
      {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}, {"max", 1}}};
  std::vector<Bar> bars;
  for (const Percentile& percentile : percentiles) {
    const std::uint64_t value = percentile.share < 1 ? latency.value_at(percentile.share) : latency.maximum();
    bars.push_back({percentile.text, static_cast<double>(value), nanoseconds_text(value), false});
  }
  return bars;
}

void add_side(Page& page, std::string_view name, const SlowSide& side) {
  page.chart(name, {"end", "connections"},
             {count_bar("still connected", side.still_connected), count_bar("ended in order", side.ended_in_order),
              count_bar("reset", side.reset)});
}

}  // namespace

void add_charts(Page& page, const StormResult& result) {
  page.section("Connections");
  page.chart("How the connections of the storm ended", {"end", "connections"},
             {count_bar("reset at once, as meant", result.reset_at_once),
              count_bar("echoed, ended in order", result.echoed), count_bar("error", result.faults.total(), true)});
  add_errors(page, result.faults);
}

void add_charts(Page& page, const EchoResult& result) {
  page.section("Latency");
  if (result.latency.count() == 0) page.paragraph("No message was answered.");
  if (result.latency.count() != 0) {
    page.chart("How many messages took how long, each bar from the one above it", {"latency", "messages"},
               latency_bars(result.latency));
    page.chart("Percentiles", {"percentile", "latency"}, percentile_bars(result.latency));
  }
  add_errors(page, result.faults);
}

void add_charts(Page& page, const PushResult& result) {
  add_errors(page, result.faults);
}

void add_charts(Page& page, const SlowResult& result) {
  page.section("Whom the server has ended");
  add_side(page, "Slow readers", result.readers);
  add_side(page, "Slow senders", result.senders);
  add_errors(page, result.faults);
}

void add_charts(Page& page, const IdleResult& result) {
  page.section("Whom the server has ended");
  page.chart("Connections", {"end", "connections"},
             {count_bar("still connected", result.still_connected), count_bar("ended in order", result.ended_in_order),
              count_bar("reset", result.reset)});
  add_errors(page, result.faults);
}

}  // namespace stress

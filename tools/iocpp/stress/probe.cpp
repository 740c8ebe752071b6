#include "stress/probe.hpp"

#include <algorithm>

#include "stress/exchange.hpp"

namespace stress {
namespace {

void run_to_end(const Dialer& dialer, Exchange& exchange, std::uint64_t connection, Duration timeout) {
  const TimePoint deadline = Clock::now() + timeout;
  Poller poller;
  exchange.begin(dialer, connection, Exchange::Kind::echo);
  if (!exchange.finished()) poller.add(exchange.socket(), 0);
  while (!exchange.finished()) {
    const Duration left = deadline - Clock::now();
    if (left <= Duration{0}) {
      exchange.time_out();
    } else if (!poller.wait(left).empty()) {
      exchange.advance(dialer);
    }
  }
}

}  // namespace

ProbeResult probe(const Dialer& dialer, const StormOptions& options) {
  ProbeResult result;
  result.wanted = options.probes;
  while (result.attempted < result.wanted && !result.fault) {
    Exchange exchange;
    run_to_end(dialer, exchange, options.connections + result.attempted, options.probe_timeout);
    ++result.attempted;
    if (exchange.established()) ++result.established;
    result.fault = exchange.fault();
    result.wrong_answer = exchange.wrong_answer();
    if (!result.fault) ++result.served;
  }
  return result;
}

}  // namespace stress

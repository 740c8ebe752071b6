// The storm: connections that come and go at once, and a probe whether the server still accepts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "stress/clock.hpp"
#include "stress/fault.hpp"
#include "stress/progress.hpp"
#include "stress/socket.hpp"

namespace stress {

struct StormOptions {
  SocketAddress target;
  std::uint64_t connections = 100'000;
  double reset_share = 0.5;   ///< Reset as soon as established; spread evenly over the storm.
  unsigned concurrency = 64;  ///< Connections at a time, over all threads.
  unsigned threads = 1;
  unsigned sources = 64;                        ///< See `Dialer`.
  Duration timeout = std::chrono::seconds{10};  ///< For one connection without progress.
  Duration give_up = std::chrono::seconds{15};  ///< For the storm without a sign of life from the server.
  unsigned probes = 10;
  Duration probe_timeout = std::chrono::seconds{5};  ///< For one probe, from connect to the server's end.
};

/// Connections after the storm, one after another, until one is not served.
struct ProbeResult {
  unsigned wanted = 0;
  unsigned attempted = 0;
  unsigned established = 0;
  unsigned served = 0;
  std::optional<Fault> fault;  ///< What ended the probe early.
  WrongAnswer wrong_answer;
};

enum class Verdict : std::uint8_t {
  still_accepting,  ///< Every probe was served.
  not_serving,      ///< A probe was answered, but not served: shed at a limit, wrong bytes; or the client itself had no
                    ///< port or handle.
  deaf,             ///< A probe was refused or met silence.
};

/// Always: established = echoed in order + reset at once + faults of established connections.
struct StormResult {
  std::uint64_t attempted = 0;
  std::uint64_t established = 0;  ///< `connect` reported success.
  std::uint64_t reset_at_once = 0;
  std::uint64_t echoed = 0;  ///< Every byte came back, and the connection ended in order.
  FaultCounts faults;        ///< The probe's not included.
  bool gave_up = false;
  Duration duration{0};                        ///< Of the storm without the probe.
  Duration longest_gap{0};                     ///< In which nothing was established while the client tried.
  std::optional<Duration> longest_answer_gap;  ///< In which no connection got an answer; nothing where none was due.
  Duration longest_stall{0};                   ///< The client's own; see `StallMeter`.
  ProbeResult probe;

  Verdict verdict() const noexcept;
  /// `still accepting`, `DEAF after N connections`, `not serving: ...`.
  std::string verdict_text() const;
  /// Still accepting, and no wrong byte. With `strict` no fault at all.
  bool passed(bool strict) const noexcept;
};

/// Runs the storm and the probe. Throws `std::system_error` where the client can't have a poller.
StormResult run_storm(const StormOptions& options, ProgressDisplay* display = nullptr);

}  // namespace stress

// The slow run: clients that send a byte now and then, and clients that ask for much and read a byte now and then. How
// long does the server bear them?
#pragma once

#include <cstdint>
#include <vector>

#include "stress/clock.hpp"
#include "stress/fault.hpp"
#include "stress/progress.hpp"
#include "stress/socket.hpp"

namespace stress {

struct SlowOptions {
  SocketAddress target;
  std::uint64_t connections = 100;
  double reader_share = 0.5;  ///< So many read slowly, the others send slowly.
  std::uint64_t rate = 1;     ///< Bytes a second of each.
  Duration duration = std::chrono::seconds{30};
  std::uint64_t request_bytes = 1U << 20;  ///< What a slow reader sends to an echo server, to read it back.
  unsigned threads = 1;
  unsigned sources = 64;
  Duration timeout = std::chrono::seconds{10};  ///< To connect.
};

/// Half of the clients.
struct SlowSide {
  std::uint64_t established = 0;
  std::uint64_t ended_in_order = 0;  ///< By the server, with an end of stream.
  std::uint64_t reset = 0;           ///< By the server.
  std::uint64_t still_connected = 0;
  std::uint64_t bytes = 0;  ///< Read, or sent.
  Duration first_end{0};    ///< When the server ended the first of them, from the start; 0: none.
  Duration last_end{0};

  void merge(const SlowSide& other) noexcept;
};

struct SlowResult {
  SlowSide readers;
  SlowSide senders;
  Duration duration{0};
  Duration longest_stall{0};  ///< The client's own; see `StallMeter`.
  FaultCounts faults;         ///< Of those that could not connect.

  std::uint64_t still_connected() const noexcept { return readers.still_connected + senders.still_connected; }
  bool passed() const noexcept { return faults.total() == 0; }
};

/// Ends when the time is over, or when the server has ended all of them. Throws `std::system_error` where the client
/// can't have a poller.
SlowResult run_slow(const SlowOptions& options, ProgressDisplay* display = nullptr);

}  // namespace stress

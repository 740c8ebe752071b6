// Establishes many connections that are to stay.
#pragma once

#include <cstdint>
#include <vector>

#include "stress/clock.hpp"
#include "stress/dialer.hpp"
#include "stress/fault.hpp"

namespace stress {

struct Connected {
  std::vector<Socket> sockets;    ///< One for each connection; closed where it failed.
  std::uint64_t established = 0;  ///< Those that were reset by the server meanwhile included.
  FaultCounts faults;
};

/// Connects connections `first` to `first + count - 1`, no more than 128 at a time, each with `timeout`.
Connected connect_many(const Dialer& dialer, std::uint64_t first, std::size_t count, Duration timeout);

}  // namespace stress

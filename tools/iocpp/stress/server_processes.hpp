// The processes behind a target on this machine, and what they use. One source file per system.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stress/clock.hpp"
#include "stress/socket.hpp"

namespace stress {

/// What all of them together use.
struct ServerReading {
  std::uint64_t resident_bytes = 0;  ///< User memory; what the kernel holds for their sockets is not in it.
  Duration cpu{0};                   ///< User and system time since they began.
  TimePoint at;
};

class ServerProcesses {
 public:
  /// Looks for the processes that have the target's listening socket open; more than one where it was inherited, or
  /// where several listen by SO_REUSEPORT.
  explicit ServerProcesses(const SocketAddress& target);

  /// Empty where none was found; `why` says the reason then, in words for a report.
  const std::vector<int>& ids() const noexcept { return ids_; }
  const std::string& why() const noexcept { return why_; }

  /// The file of /proc that the resident memory is read from.
  std::string_view memory_source() const noexcept { return memory_source_; }

  /// What the difference of two readings' CPU time may be off by: a tick of each process' user and of its system time.
  Duration cpu_step() const noexcept { return cpu_step_; }

  /// Nothing where there is none, or where one has ended or may no longer be read.
  std::optional<ServerReading> read() const;

 private:
  std::vector<int> ids_;
  std::string why_;
  std::string_view memory_source_;
  Duration cpu_step_{0};
};

}  // namespace stress

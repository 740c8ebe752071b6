// What a monitor learns of a server's listeners, put together on the monitor's own thread.
#pragma once

#include <map>
#include <mutex>

#include "base/clock.hpp"
#include "engine/loop.hpp"
#include "iocpp/accept_health.hpp"

namespace iocpp::server {

/// Remembers from call to call since when clients have waited in a queue. Any thread.
class AcceptMonitor {
 public:
  /// `loop` accepts; adds its listeners to `health`.
  void look(const engine::Loop& loop, unsigned shard, TimePoint now, std::chrono::nanoseconds stalled_after,
            AcceptHealth& health);

 private:
  struct Waiting {
    std::uint64_t accepted = 0;
    TimePoint since{};
  };

  bool waits_too_long(const ListenerHealth& listener, std::size_t index, TimePoint now,
                      std::chrono::nanoseconds stalled_after);

  std::mutex mutex_;                                             // of monitors only
  std::map<std::pair<unsigned, std::size_t>, Waiting> waiting_;  // by loop, and socket of it
};

}  // namespace iocpp::server

// Opens connections to one target from many source addresses.
#pragma once

#include <cstdint>
#include <vector>

#include "stress/socket.hpp"

namespace stress {

/// One pair of addresses has about 28,000 ports, and the port of a connection that this side closed first rests for a
/// minute (TIME_WAIT). So to a loopback target connections leave from 127.0.0.1, 127.0.0.2, ... in turn. Any thread.
class Dialer {
 public:
  /// `sources` of 1 leaves the source to the system, and so does any target but IPv4 loopback.
  Dialer(const SocketAddress& target, unsigned sources);

  /// Begins to connect. `done` and `again` as in `Socket::connect`, which `finish` calls.
  Outcome begin(std::uint64_t connection, Socket& socket) const;
  Outcome finish(Socket& socket) const { return socket.connect(target_); }

 private:
  SocketAddress target_;
  std::vector<SocketAddress> sources_;
};

}  // namespace stress

#include "stress/dialer.hpp"

namespace stress {

Dialer::Dialer(const SocketAddress& target, unsigned sources) : target_{target} {
  for (unsigned index = 0; sources > 1 && index < sources; ++index) {
    if (auto source = loopback_source(target, index)) sources_.push_back(*source);
  }
}

Outcome Dialer::begin(std::uint64_t connection, Socket& socket) const {
  if (Outcome opened = socket.open(target_); opened != Outcome::done) return opened;
  if (!sources_.empty()) {
    const Outcome bound = socket.bind(sources_[connection % sources_.size()]);
    if (bound != Outcome::done) return bound;
  }
  const Outcome started = socket.connect(target_);
  // Over loopback the handshake is over when the first call returns, though it can't say so; asking again spares a turn
  // of the loop.
  return started == Outcome::again ? finish(socket) : started;
}

}  // namespace stress

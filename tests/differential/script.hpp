// The script that every system plays: what peers do, and the normal form of what must come of it.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "iocpp/connection.hpp"

namespace iocpp::tests {

struct Act {
  enum class Kind : std::uint8_t {
    send,
    expect,
    half_close,
    expect_end,
    expect_reset,
    close,
    reset,
    stay  ///< Until the server drains.
  };
  Kind kind;
  std::string bytes{};
};

/// What is the same on every system, of one connection: seen by the handler, and by the peer.
///
/// Bytes are concatenated, since the network splits them as it likes; `on_sent` is summed, and left out of the order of
/// callbacks, since nobody promises when it comes; callbacks of one kind in a row count once. A reset is told as
/// `peer_reset` by all but systems whose capabilities say that it may look like an end (`sees_reset_before_receive`):
/// there the reason, and the on_peer_shutdown that goes with it, are read as the reset that it was. Of a connection
/// that did not end in order, `on_sent` may be missing for what its peer has: a send's completion may come behind the
/// end.
struct Seen {
  std::string callbacks;  ///< "connect receive shutdown disconnect"
  std::string received;
  std::size_t sent = 0;
  std::size_t unsent = 0;
  DisconnectReason reason{};
  std::string peer_received;
  std::string peer_end;  ///< "in_order", "reset", "left"

  friend bool operator==(const Seen&, const Seen&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Seen& seen) {
    const auto text = [](const std::string& bytes) {
      return bytes.size() <= 60 ? '"' + bytes + '"' : std::to_string(bytes.size()) + " bytes";
    };
    return out << seen.callbacks << "; received " << text(seen.received) << "; sent " << seen.sent << "; unsent "
               << seen.unsent << "; " << to_string(seen.reason) << "; its peer received " << text(seen.peer_received)
               << ", " << seen.peer_end;
  }
};

struct PeerScript {
  std::string name;
  std::vector<Act> acts;
  Seen expected;
};

inline const std::string greeting = "welcome\n";

std::vector<PeerScript> script();

}  // namespace iocpp::tests

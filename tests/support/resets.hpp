// Whether a receiver is told here that its peer has reset the connection.
#pragma once

#include "support/peer.hpp"

namespace iocpp::tests {

/// Asked of the system itself: Wine tells a receive that comes after the reset of an end in order.
inline bool resets_are_told() {
  static const bool told = [] {
    const Descriptor listener = listen_on_loopback();
    Peer peer{port_of(listener.get())};
    Descriptor accepted{::accept(listener.get(), nullptr, nullptr)};
    reset_at_close(accepted.get());
    accepted.close();
    return peer.end() != 0;
  }();
  return told;
}

}  // namespace iocpp::tests

// What sits between the socket and the handler while a connection is prepared: the PROXY protocol.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "iocpp/proxy_protocol.hpp"

namespace iocpp::core {

/// One connection's. It is the slot's from the accept until after `on_disconnect`: what it has learnt is asked for
/// meanwhile.
class Stage {
 public:
  struct Step {
    enum class Outcome : std::uint8_t { more, ready, failed };
    Outcome outcome = Outcome::more;
    std::size_t used = 0;  ///< ready: so many of the bytes were the stage's; the rest is the handler's.
    ProxyFailure failure{};
  };

  virtual ~Stage() = default;

  /// The next bytes of the connection, lent for the call. Not again after `ready` or `failed`. Throws
  /// `std::bad_alloc`. What it keeps of them is bounded.
  virtual Step take(std::span<const std::byte> bytes) = 0;

  /// `on_connect` was called, or is about to be.
  bool opened = false;

  /// After `ready`.
  virtual const ProxyHeader& header() const noexcept = 0;
};

/// Which connections have a stage, and the stages. Shared by the shards: any thread, and it does not change.
class Stages {
 public:
  enum class Entrance : std::uint8_t { serve, prepare, refuse };

  virtual ~Stages() = default;

  /// Whether a listener's peers are looked at; of others the address is not asked for.
  virtual bool looks_at(std::uint16_t listener) const noexcept = 0;
  virtual Entrance entrance_of(std::uint16_t listener, const Address& peer) const noexcept = 0;
  /// Null: no memory.
  virtual std::unique_ptr<Stage> make() const noexcept = 0;
  /// From the accept on; then a stage that is not ready has failed.
  virtual std::chrono::nanoseconds timeout() const noexcept = 0;
};

}  // namespace iocpp::core

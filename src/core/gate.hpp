// Who may come in: the limits of a server, asked before a client costs anything.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>

#include "base/cache_line.hpp"
#include "base/keyed_hash.hpp"
#include "core/address_table.hpp"
#include "core/connection_limit.hpp"
#include "core/token_bucket.hpp"
#include "iocpp/address.hpp"
#include "iocpp/limits.hpp"

namespace iocpp::core {

/// How many accepts may be in flight now, and where none may, until when.
struct Room {
  enum class Full : std::uint8_t { not_full, connections, rate };
  unsigned accepts = std::numeric_limits<unsigned>::max();
  Full full = Full::not_full;
  TimePoint until{};  ///< Of a rate. A freed connection ends the other kind.
};

struct Admission {
  std::optional<Refusal> refused;
  std::uint32_t place = AddressTable::untracked;  ///< Of who was not: to be given back with the connection.
};

/// Shared by the shards; any thread, no lock.
class Gate {
 public:
  /// `limits.connections_max` is a number here: 0 lets nobody in. The key hides from peers which addresses meet.
  explicit Gate(const Limits& limits, const HashKey& key = {});

  bool asks_for_address() const noexcept { return addresses_ != nullptr; }
  /// Nobody is accepted where `room` has none; otherwise they are accepted and refused.
  bool pauses() const noexcept { return limits_.when_full == WhenFull::pause; }
  bool resets() const noexcept { return limits_.when_full != WhenFull::close; }

  /// One accepted client. `peer`: where addresses are asked for.
  [[nodiscard]] Admission admit(const Address& peer, TimePoint now) noexcept;
  /// Its address alone, where that is known only later: of a client behind a proxy that was admitted without one. The
  /// place is to be given back with the connection, as that of `admit`. Where addresses are asked for.
  [[nodiscard]] Admission admit_address(const Address& peer, TimePoint now) noexcept;
  [[nodiscard]] Admission admit(TimePoint now) noexcept { return admit_to_server(AddressTable::untracked, now); }
  /// The handle of who was admitted is closed.
  void give_back(std::uint32_t place) noexcept {
    if (addresses_ != nullptr) addresses_->give_back(place);
    connections_.give_back();
  }

  Room room(TimePoint now) const noexcept;

  std::size_t connections() const noexcept { return connections_.taken(); }
  /// Clients let in without being counted for their address, since the table had no place.
  std::uint64_t untracked() const noexcept { return untracked_.load(std::memory_order_relaxed); }
  const AddressTable* addresses() const noexcept { return addresses_.get(); }

 private:
  Admission admit_to_server(std::uint32_t place, TimePoint now) noexcept;
  bool is_exempt(const Address& peer) const noexcept;
  std::uint64_t hash_of(const Address& peer) const noexcept;

  Limits limits_;
  HashKey key_;
  TokenRate rate_;
  std::unique_ptr<AddressTable> addresses_;
  // Written for each connection.
  alignas(cache_line) ConnectionLimit connections_;
  TokenBucket bucket_;
  std::atomic<std::uint64_t> untracked_{0};
};

}  // namespace iocpp::core

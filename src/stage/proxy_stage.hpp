// The PROXY protocol as the stage of a connection, and who has one.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/stage.hpp"
#include "iocpp/options.hpp"

namespace iocpp::stage {

/// Collects a header that comes in parts, at most `bytes_max` of it, and keeps what it says.
class ProxyStage final : public core::Stage {
 public:
  explicit ProxyStage(std::size_t bytes_max) noexcept : bytes_max_{bytes_max} {}

  Step take(std::span<const std::byte> bytes) override;
  const ProxyHeader& header() const noexcept override { return header_; }

 private:
  void keep(const ProxyHeader& header);

  std::size_t bytes_max_;
  std::vector<std::byte> bytes_;  ///< Of a header that is not complete; later its TLVs.
  ProxyHeader header_;
};

/// An address, and how many of its bits count.
struct Network {
  Address address;
  unsigned bits = 0;

  /// `10.0.0.0/8`, or an address alone; nothing for what is none, or has bits set past its prefix.
  static std::optional<Network> parse(std::string_view text) noexcept;
  bool contains(const Address& peer) const noexcept;
};

/// Of the listeners that have the PROXY protocol: the peers from trusted networks are proxies.
class ProxyStages final : public core::Stages {
 public:
  /// Whom a listener takes for a proxy. The peers of a Unix socket have no address: its permissions say who they are.
  enum class Trust : std::uint8_t { nobody, networks, everybody };

  /// Throws `std::system_error` for a network that is none.
  ProxyStages(const ProxyProtocol& options, std::vector<Trust> listeners);

  bool looks_at(std::uint16_t listener) const noexcept override { return listeners_[listener] != Trust::nobody; }
  Entrance entrance_of(std::uint16_t listener, const Address& peer) const noexcept override;
  std::unique_ptr<core::Stage> make() const noexcept override;
  std::chrono::nanoseconds timeout() const noexcept override { return timeout_; }

 private:
  std::vector<Network> trusted_;
  std::vector<Trust> listeners_;
  UntrustedPeer untrusted_;
  std::chrono::nanoseconds timeout_;
  std::size_t header_bytes_max_;
};

/// Null: no listener has it.
std::unique_ptr<core::Stages> stages_of(const Options& options);

}  // namespace iocpp::stage

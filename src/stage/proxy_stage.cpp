#include "stage/proxy_stage.hpp"

#include <algorithm>
#include <charconv>
#include <new>
#include <string>
#include <system_error>

#include "base/address_text.hpp"
#include "iocpp/error.hpp"
#include "stage/proxy_protocol.hpp"

namespace iocpp::stage {

ProxyStage::Step ProxyStage::take(std::span<const std::byte> bytes) {
  const std::size_t before = bytes_.size();
  std::span<const std::byte> seen = bytes;
  if (before != 0) {
    const std::size_t room = std::max(bytes_max_, line_bytes_max) - before;
    const auto taken = bytes.first(std::min(bytes.size(), room));
    bytes_.insert(bytes_.end(), taken.begin(), taken.end());
    seen = bytes_;
  }
  const ReadHeader read = read_proxy_header(seen, bytes_max_);
  if (const auto* failure = std::get_if<ProxyFailure>(&read))
    return {.outcome = Step::Outcome::failed, .failure = *failure};
  if (const auto* whole = std::get_if<WholeHeader>(&read)) {
    keep(whole->header);
    return {.outcome = Step::Outcome::ready, .used = whole->bytes - before};
  }
  if (before == 0) bytes_.assign(bytes.begin(), bytes.end());
  return {};
}

void ProxyStage::keep(const ProxyHeader& header) {
  header_ = header;
  bytes_ = std::vector<std::byte>(header.tlvs.begin(), header.tlvs.end());
  header_.tlvs = bytes_;
}

std::optional<Network> Network::parse(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const auto address = host.find(':') == std::string_view::npos ? parse_ipv4(host) : parse_ipv6(host);
  if (!address) return std::nullopt;
  const unsigned most = address->family == Address::Family::ipv4 ? 32 : 128;
  Network network{*address, most};
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), network.bits);
    if (error != std::errc{} || end != digits.data() + digits.size() || network.bits > most) return std::nullopt;
  }
  // A peer of an IPv6 listener that came by IPv4 is an IPv4 address.
  if (const Address plain = without_mapping(*address); plain.family != address->family && network.bits >= 96)
    network = {plain, network.bits - 96};
  // 10.1.2.3/8 is a slip more often than meant.
  for (unsigned bit = network.bits; bit < (network.address.family == Address::Family::ipv4 ? 32U : 128U); ++bit) {
    if ((network.address.bytes[bit / 8] & (std::byte{0x80} >> (bit % 8))) != std::byte{0}) return std::nullopt;
  }
  return network;
}

bool Network::contains(const Address& peer) const noexcept {
  if (peer.family != address.family) return false;
  const unsigned whole = bits / 8;
  if (!std::equal(peer.bytes.begin(), peer.bytes.begin() + whole, address.bytes.begin())) return false;
  if (bits % 8 == 0) return true;
  const std::byte mask = std::byte{0xff} << (8 - bits % 8);
  return ((peer.bytes[whole] ^ address.bytes[whole]) & mask) == std::byte{0};
}

ProxyStages::ProxyStages(const ProxyProtocol& options, std::vector<Trust> listeners)
    : listeners_{std::move(listeners)},
      untrusted_{options.untrusted},
      timeout_{options.timeout},
      header_bytes_max_{options.header_bytes_max} {
  for (const std::string& text : options.trusted) {
    const auto network = Network::parse(text);
    if (!network) {
      throw std::system_error(make_error_code(errc::invalid_argument),
                              "Options::proxy_protocol.trusted '" + text +
                                  "': not a network (an address, or one with zeros after its prefix: 10.0.0.0/8)");
    }
    trusted_.push_back(*network);
  }
}

ProxyStages::Entrance ProxyStages::entrance_of(std::uint16_t listener, const Address& peer) const noexcept {
  if (listeners_[listener] == Trust::everybody) return Entrance::prepare;
  const auto contains = [&peer](const Network& network) { return network.contains(peer); };
  if (std::ranges::any_of(trusted_, contains)) return Entrance::prepare;
  return untrusted_ == UntrustedPeer::serve ? Entrance::serve : Entrance::refuse;
}

std::unique_ptr<core::Stages> stages_of(const Options& options) {
  if (options.proxy_protocol.trusted.empty()) return nullptr;
  using Trust = ProxyStages::Trust;
  std::vector<Trust> listeners;
  for (const Listen& listen : options.listen) {
    const Trust trust = listen.host.starts_with("unix:") ? Trust::everybody : Trust::networks;
    listeners.push_back(listen.proxy_protocol ? trust : Trust::nobody);
  }
  return std::make_unique<ProxyStages>(options.proxy_protocol, std::move(listeners));
}

std::unique_ptr<core::Stage> ProxyStages::make() const noexcept {
  try {
    return std::make_unique<ProxyStage>(header_bytes_max_);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

}  // namespace iocpp::stage

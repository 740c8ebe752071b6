#include "core/gate.hpp"

#include <algorithm>
#include <span>

namespace iocpp {

std::string_view to_string(WhenFull when_full) noexcept {
  constexpr std::array<std::string_view, 3> names{"pause", "close", "reset"};
  return names[static_cast<std::size_t>(when_full)];
}

std::string_view to_string(Refusal refusal) noexcept {
  constexpr std::array<std::string_view, refusals> names{
      "connections_max",  "connections_per_address", "accepts_per_second", "accepts_per_second_per_address", "left",
      "out_of_resources", "untrusted_peer"};
  return names[static_cast<std::size_t>(refusal)];
}

namespace core {
namespace {

std::uint64_t word_of(std::span<const std::byte, 8> bytes) noexcept {
  std::uint64_t word = 0;
  for (const std::byte byte : bytes) word = (word << 8) | std::to_integer<std::uint64_t>(byte);
  return word;
}

/// The first `bits` of a word, 0 to 64.
std::uint64_t first_bits(std::uint64_t word, unsigned bits) noexcept {
  return bits == 0 ? 0 : word & (~std::uint64_t{0} << (64 - bits));
}

bool is_loopback(const Address& address) noexcept {
  if (address.family == Address::Family::ipv4) return address.bytes[0] == std::byte{127};
  Address one{.family = Address::Family::ipv6};
  one.bytes[15] = std::byte{1};
  return address.bytes == one.bytes;
}

}  // namespace

Gate::Gate(const Limits& limits, const HashKey& key)
    : limits_{limits},
      key_{key},
      rate_{TokenRate::of(limits.accepts_per_second, limits.accepts_burst)},
      connections_{limits.connections_max} {
  const TokenRate each = TokenRate::of(limits.accepts_per_second_per_address, limits.accepts_burst_per_address);
  if (limits.connections_per_address == 0 && !each.limits()) return;
  addresses_ = std::make_unique<AddressTable>(limits.addresses_max, limits.connections_per_address, each);
}

bool Gate::is_exempt(const Address& peer) const noexcept {
  return peer.family == Address::Family::none || (!limits_.loopback_too && is_loopback(peer));
}

std::uint64_t Gate::hash_of(const Address& peer) const noexcept {
  const bool ipv4 = peer.family == Address::Family::ipv4;
  const unsigned prefix = ipv4 ? limits_.ipv4_prefix : limits_.ipv6_prefix;
  const std::span bytes{peer.bytes};
  const std::uint64_t high = first_bits(word_of(bytes.first<8>()), std::min(prefix, 64U));
  const std::uint64_t low = first_bits(word_of(bytes.last<8>()), std::max(prefix, 64U) - 64);
  return KeyedHash{key_}(high, low, ipv4 ? 4 : 6);
}

Admission Gate::admit_address(const Address& peer, TimePoint now) noexcept {
  if (is_exempt(peer)) return {};
  const AddressTable::Taken taken = addresses_->take(hash_of(peer), now);
  switch (taken.verdict) {
    case AddressTable::Verdict::too_many:
      return {.refused = Refusal::connections_per_address};
    case AddressTable::Verdict::too_fast:
      return {.refused = Refusal::accepts_per_second_per_address};
    case AddressTable::Verdict::admitted:
      break;
  }
  if (taken.place == AddressTable::untracked) untracked_.fetch_add(1, std::memory_order_relaxed);
  return {.refused = std::nullopt, .place = taken.place};
}

/// The address first: who is refused for it takes nothing from the others.
Admission Gate::admit(const Address& peer, TimePoint now) noexcept {
  const Admission of_address = admit_address(peer, now);
  if (of_address.refused) return of_address;
  const Admission admission = admit_to_server(of_address.place, now);
  if (admission.refused) addresses_->give_back(of_address.place);
  return admission;
}

Admission Gate::admit_to_server(std::uint32_t place, TimePoint now) noexcept {
  if (pauses()) {
    // Nobody is refused: accepts are posted only while there is room, and those that were in flight come on top.
    connections_.take_anyway();
    if (rate_.limits()) bucket_.charge(rate_, now);
    return {.refused = std::nullopt, .place = place};
  }
  if (!connections_.take()) return {.refused = Refusal::connections_max};
  if (!rate_.limits() || bucket_.take(rate_, now)) return {.refused = std::nullopt, .place = place};
  connections_.give_back();
  return {.refused = Refusal::accepts_per_second};
}

Room Gate::room(TimePoint now) const noexcept {
  constexpr std::size_t most = std::numeric_limits<unsigned>::max();
  const std::size_t places = connections_.room();
  if (places == 0) return {.accepts = 0, .full = Room::Full::connections};
  Room room{.accepts = static_cast<unsigned>(std::min(places, most))};
  if (!rate_.limits()) return room;
  const std::uint64_t tokens = bucket_.tokens(rate_, now);
  if (tokens == 0) return {.accepts = 0, .full = Room::Full::rate, .until = bucket_.next(rate_)};
  room.accepts = static_cast<unsigned>(std::min<std::uint64_t>(room.accepts, tokens));
  return room;
}

}  // namespace core
}  // namespace iocpp

// What each address has: its open connections, and how many it may open now. Bounded, however many addresses there are.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/cache_line.hpp"
#include "core/token_bucket.hpp"

namespace iocpp::core {

/// Shared by the shards; any thread; no lock, and no wait for another thread. A fixed array of sets of eight entries,
/// as in a cache: an address can be in one set only, found by its hash. Who has connections stays; of the others in a
/// full set, the one whose bucket has been full for the longest gives way.
///
/// An address is 40 bits of its keyed hash, beside those that choose its set. So two of them share an entry with a
/// probability of 2^-37 for each pair in one set; they are then limited together.
class AddressTable {
 public:
  /// The place of an address of which nothing is kept.
  static constexpr std::uint32_t untracked = UINT32_MAX;

  enum class Verdict : std::uint8_t { admitted, too_many, too_fast };
  struct Taken {
    Verdict verdict;
    std::uint32_t place;  ///< Of who was admitted: to be given back, once.
  };

  /// `connections_max` and `rate`, of each address; 0: no limit. At least `addresses_max` entries, for all.
  AddressTable(std::size_t addresses_max, std::uint32_t connections_max, TokenRate rate);

  /// One connection more of the address with this hash.
  [[nodiscard]] Taken take(std::uint64_t hash, TimePoint now) noexcept;
  void give_back(std::uint32_t place) noexcept;

  std::size_t bytes() const noexcept { return (mask_ + 1) * sizeof(Set); }
  /// All addresses' connections together, and the most that one has. They look at each entry.
  std::uint64_t connections() const noexcept;
  std::uint64_t connections_of_busiest() const noexcept;

  static constexpr unsigned ways = 8;
  static constexpr std::uint32_t connections_most = (1U << 24) - 1;

 private:
  struct Entry {
    /// 40 bits: the address, not 0; 24 bits: its connections. 0: a free entry.
    std::atomic<std::uint64_t> word{0};
    TokenBucket bucket;
  };
  struct alignas(cache_line) Set {
    std::array<Entry, ways> entries;
  };
  static_assert(sizeof(Set) == ways * 16, "16 bytes an address");

  enum class Join : std::uint8_t { done, too_many, untracked, gone };

  static std::uint64_t tag_of(std::uint64_t word) noexcept { return word >> 24; }
  static std::uint64_t count_of(std::uint64_t word) noexcept { return word & connections_most; }
  static Entry* find(Set& set, std::uint64_t tag, const Entry* but = nullptr) noexcept;
  static Entry* claim(Set& set, std::uint64_t tag) noexcept;
  Join join(Entry& entry, std::uint64_t tag) const noexcept;
  Entry& entry_at(std::uint32_t place) noexcept { return sets_[place / ways].entries[place % ways]; }
  template <class Visit>
  void for_each_count(Visit&& visit) const noexcept;

  std::unique_ptr<Set[]> sets_;
  std::size_t mask_;
  std::uint32_t connections_max_;
  TokenRate rate_;
};

}  // namespace iocpp::core

#include "core/address_table.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace iocpp::core {

AddressTable::AddressTable(std::size_t addresses_max, std::uint32_t connections_max, TokenRate rate)
    : mask_{std::bit_ceil((addresses_max + ways - 1) / ways) - 1}, connections_max_{connections_max}, rate_{rate} {
  sets_ = std::make_unique<Set[]>(mask_ + 1);
}

AddressTable::Entry* AddressTable::find(Set& set, std::uint64_t tag, const Entry* but) noexcept {
  for (Entry& entry : set.entries) {
    if (&entry != but && tag_of(entry.word.load()) == tag) return &entry;
  }
  return nullptr;
}

/// A free entry, or the one without connections that has been quiet for the longest, becomes that address's. Null: all
/// have connections, or another thread was faster.
AddressTable::Entry* AddressTable::claim(Set& set, std::uint64_t tag) noexcept {
  Entry* chosen = nullptr;
  std::uint64_t chosen_word = 0;
  Clock::rep quiet_since = 0;
  for (Entry& entry : set.entries) {
    const std::uint64_t word = entry.word.load();
    if (count_of(word) != 0) continue;
    const Clock::rep full_at = word == 0 ? 0 : entry.bucket.full_at();
    if (chosen != nullptr && full_at >= quiet_since) continue;
    chosen = &entry;
    chosen_word = word;
    quiet_since = full_at;
  }
  if (chosen == nullptr || !chosen->word.compare_exchange_strong(chosen_word, tag << 24)) return nullptr;
  chosen->bucket.fill();
  // Another thread may have claimed another entry for the same address at the same time. Whoever sees the other's gives
  // up its own; in this order at least one of them sees it.
  if (find(set, tag, chosen) == nullptr) return chosen;
  std::uint64_t mine = tag << 24;
  chosen->word.compare_exchange_strong(mine, 0);
  return nullptr;
}

AddressTable::Join AddressTable::join(Entry& entry, std::uint64_t tag) const noexcept {
  std::uint64_t word = entry.word.load();
  do {
    if (tag_of(word) != tag) return Join::gone;
    const std::uint64_t count = count_of(word);
    if (connections_max_ != 0 && count >= connections_max_) return Join::too_many;
    if (count == connections_most) return Join::untracked;
  } while (!entry.word.compare_exchange_weak(word, word + 1));
  return Join::done;
}

AddressTable::Taken AddressTable::take(std::uint64_t hash, TimePoint now) noexcept {
  constexpr unsigned attempts = 4;  // who loses to other threads that often is let in
  const auto index = static_cast<std::uint32_t>(hash & mask_);
  Set& set = sets_[index];
  const std::uint64_t tag = std::max<std::uint64_t>(hash >> 24, 1);
  for (unsigned attempt = 0; attempt < attempts; ++attempt) {
    Entry* entry = find(set, tag);
    if (entry == nullptr) entry = claim(set, tag);
    if (entry == nullptr) continue;
    const Join joined = join(*entry, tag);
    if (joined == Join::gone) continue;
    if (joined == Join::untracked) break;
    if (joined == Join::too_many) return {Verdict::too_many, untracked};
    const std::uint32_t place = index * ways + static_cast<std::uint32_t>(entry - set.entries.data());
    if (!rate_.limits() || entry->bucket.take(rate_, now)) return {Verdict::admitted, place};
    give_back(place);
    return {Verdict::too_fast, untracked};
  }
  return {Verdict::admitted, untracked};
}

void AddressTable::give_back(std::uint32_t place) noexcept {
  if (place == untracked) return;
  [[maybe_unused]] const std::uint64_t before = entry_at(place).word.fetch_sub(1);
  assert(count_of(before) != 0);
}

template <class Visit>
void AddressTable::for_each_count(Visit&& visit) const noexcept {
  for (std::size_t set = 0; set <= mask_; ++set) {
    for (const Entry& entry : sets_[set].entries) visit(count_of(entry.word.load(std::memory_order_relaxed)));
  }
}

std::uint64_t AddressTable::connections() const noexcept {
  std::uint64_t sum = 0;
  for_each_count([&](std::uint64_t count) { sum += count; });
  return sum;
}

std::uint64_t AddressTable::connections_of_busiest() const noexcept {
  std::uint64_t most = 0;
  for_each_count([&](std::uint64_t count) { most = std::max(most, count); });
  return most;
}

}  // namespace iocpp::core

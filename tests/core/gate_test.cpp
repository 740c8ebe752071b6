// Who is let in, who is refused and why, and that every place comes back once.
#include "core/gate.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "base/prng.hpp"

namespace iocpp::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint start{std::chrono::hours{5}};

Address ipv4(std::uint32_t number) {
  Address address{.family = Address::Family::ipv4};
  for (unsigned at = 0; at < 4; ++at) address.bytes[at] = static_cast<std::byte>(number >> (24 - 8 * at));
  return address;
}

Address ipv6(std::uint64_t high, std::uint64_t low) {
  Address address{.family = Address::Family::ipv6};
  for (unsigned at = 0; at < 8; ++at) {
    address.bytes[at] = static_cast<std::byte>(high >> (56 - 8 * at));
    address.bytes[8 + at] = static_cast<std::byte>(low >> (56 - 8 * at));
  }
  return address;
}

constexpr std::uint32_t someone = 0xc0000201;  // 192.0.2.1
constexpr std::uint64_t network = 0x20010db800000001;

TEST(TokenBucket, gives_a_burst_then_one_an_interval) {
  const TokenRate rate = TokenRate::of(10, 3);
  TokenBucket bucket;
  EXPECT_EQ(bucket.tokens(rate, start), 3U);
  for (int token = 0; token < 3; ++token) EXPECT_TRUE(bucket.take(rate, start));
  EXPECT_FALSE(bucket.take(rate, start));
  EXPECT_EQ(bucket.tokens(rate, start), 0U);
  EXPECT_EQ(bucket.next(rate), start + milliseconds{100});
  EXPECT_FALSE(bucket.take(rate, start + milliseconds{99}));
  EXPECT_EQ(bucket.tokens(rate, start + milliseconds{100}), 1U);
  EXPECT_TRUE(bucket.take(rate, start + milliseconds{100}));
  EXPECT_FALSE(bucket.take(rate, start + milliseconds{199}));
}

TEST(TokenBucket, holds_no_more_than_a_burst_however_long_it_was_quiet) {
  const TokenRate rate = TokenRate::of(1000, 2);
  TokenBucket bucket;
  EXPECT_TRUE(bucket.take(rate, start));
  EXPECT_EQ(bucket.tokens(rate, start + std::chrono::hours{24}), 2U);
}

TEST(TokenBucket, without_a_burst_holds_a_seconds_worth) {
  EXPECT_EQ(TokenBucket{}.tokens(TokenRate::of(50, 0), start), 50U);
}

TEST(TokenBucket, pays_back_what_it_owes) {
  const TokenRate rate = TokenRate::of(10, 1);
  TokenBucket bucket;
  for (int token = 0; token < 4; ++token) bucket.charge(rate, start);
  EXPECT_EQ(bucket.next(rate), start + milliseconds{400});
  EXPECT_FALSE(bucket.take(rate, start + milliseconds{399}));
  EXPECT_TRUE(bucket.take(rate, start + milliseconds{400}));
}

TEST(TokenBucket, gives_many_threads_no_more_than_it_has) {
  const TokenRate rate = TokenRate::of(1, 1000);
  TokenBucket bucket;
  std::atomic<int> given{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int attempt = 0; attempt < 1000; ++attempt) given += bucket.take(rate, start) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(given.load(), 1000);
}

TEST(Gate, lets_everybody_in_without_a_limit_and_asks_for_no_address) {
  Gate gate{{.connections_max = 1'000'000}};
  EXPECT_FALSE(gate.asks_for_address());
  EXPECT_EQ(gate.addresses(), nullptr);
  for (int client = 0; client < 1000; ++client) EXPECT_FALSE(gate.admit(start).refused);
  EXPECT_EQ(gate.connections(), 1000U);
}

TEST(Gate, refuses_an_address_that_has_enough_and_nobody_else) {
  Gate gate{{.connections_max = 100, .connections_per_address = 2}};
  ASSERT_TRUE(gate.asks_for_address());
  const Admission first = gate.admit(ipv4(someone), start);
  EXPECT_FALSE(first.refused);
  EXPECT_FALSE(gate.admit(ipv4(someone), start).refused);
  EXPECT_EQ(gate.admit(ipv4(someone), start).refused, Refusal::connections_per_address);
  EXPECT_FALSE(gate.admit(ipv4(someone + 1), start).refused);
  EXPECT_EQ(gate.connections(), 3U);
  gate.give_back(first.place);
  EXPECT_FALSE(gate.admit(ipv4(someone), start).refused);
  EXPECT_EQ(gate.admit(ipv4(someone), start).refused, Refusal::connections_per_address);
}

TEST(Gate, counts_prefixes) {
  Gate gate{{.connections_max = 100, .connections_per_address = 1, .ipv4_prefix = 24, .ipv6_prefix = 60}};
  EXPECT_FALSE(gate.admit(ipv4(someone), start).refused);
  EXPECT_TRUE(gate.admit(ipv4(someone + 7), start).refused) << "of the same /24";
  EXPECT_FALSE(gate.admit(ipv4(someone + 256), start).refused);
  EXPECT_FALSE(gate.admit(ipv6(network, 1), start).refused);
  EXPECT_TRUE(gate.admit(ipv6(network + 14, 2), start).refused) << "of the same /60";
  EXPECT_FALSE(gate.admit(ipv6(network + 16, 1), start).refused);
}

TEST(Gate, an_ipv6_customer_has_a_64_unless_it_says_otherwise) {
  Gate gate{{.connections_max = 100, .connections_per_address = 1}};
  EXPECT_FALSE(gate.admit(ipv6(network, 1), start).refused);
  EXPECT_TRUE(gate.admit(ipv6(network, ~std::uint64_t{0}), start).refused);
  Gate of_hosts{{.connections_max = 100, .connections_per_address = 1, .ipv6_prefix = 128}};
  EXPECT_FALSE(of_hosts.admit(ipv6(network, 1), start).refused);
  EXPECT_FALSE(of_hosts.admit(ipv6(network, 2), start).refused);
  EXPECT_TRUE(of_hosts.admit(ipv6(network, 2), start).refused);
}

TEST(Gate, exempts_this_machine_unless_asked) {
  Limits limits{.connections_max = 100, .connections_per_address = 1};
  Gate gate{limits};
  limits.loopback_too = true;
  Gate strict{limits};
  for (const Address& here : {ipv4(0x7f000001), ipv4(0x7f010203), ipv6(0, 1)}) {
    EXPECT_FALSE(gate.admit(here, start).refused);
    EXPECT_FALSE(gate.admit(here, start).refused);
    EXPECT_FALSE(strict.admit(here, start).refused);
    EXPECT_TRUE(strict.admit(here, start).refused);
  }
  EXPECT_FALSE(gate.admit(ipv6(0, 2), start).refused);
  EXPECT_TRUE(gate.admit(ipv6(0, 2), start).refused) << "not ::1";
}

TEST(Gate, paces_each_address_and_all_together) {
  Gate gate{{.connections_max = 100,
             .accepts_per_second = 10,
             .accepts_burst = 5,
             .accepts_per_second_per_address = 1,
             .accepts_burst_per_address = 2}};
  for (int client = 0; client < 2; ++client) EXPECT_FALSE(gate.admit(ipv4(someone), start).refused);
  for (int client = 0; client < 50; ++client) {
    EXPECT_EQ(gate.admit(ipv4(someone), start).refused, Refusal::accepts_per_second_per_address);
  }
  // The flood has taken two of the five that there are for all.
  for (std::uint32_t other = 1; other <= 3; ++other) EXPECT_FALSE(gate.admit(ipv4(someone + other), start).refused);
  EXPECT_EQ(gate.admit(ipv4(someone + 4), start).refused, Refusal::accepts_per_second);
  EXPECT_FALSE(gate.admit(ipv4(someone + 5), start + milliseconds{100}).refused);
  EXPECT_FALSE(gate.admit(ipv4(someone), start + seconds{1}).refused);
  EXPECT_EQ(gate.connections(), 7U);
}

TEST(Gate, who_is_refused_by_one_limit_gives_back_what_the_others_gave) {
  Gate gate{{.connections_max = 1, .connections_per_address = 5}};
  EXPECT_FALSE(gate.admit(ipv4(someone), start).refused);
  for (int client = 0; client < 10; ++client) {
    EXPECT_EQ(gate.admit(ipv4(someone + 1), start).refused, Refusal::connections_max);
  }
  EXPECT_EQ(gate.connections(), 1U);
  EXPECT_EQ(gate.addresses()->connections(), 1U);
  Gate paced{{.connections_max = 5, .accepts_per_second = 1, .accepts_burst = 1, .connections_per_address = 5}};
  EXPECT_FALSE(paced.admit(ipv4(someone), start).refused);
  for (int client = 0; client < 10; ++client) {
    EXPECT_EQ(paced.admit(ipv4(someone), start).refused, Refusal::accepts_per_second);
  }
  EXPECT_EQ(paced.connections(), 1U);
  EXPECT_EQ(paced.addresses()->connections(), 1U);
}

TEST(Gate, that_pauses_says_how_many_may_come_and_refuses_nobody) {
  Gate gate{{.connections_max = 3, .accepts_per_second = 10, .accepts_burst = 2, .when_full = WhenFull::pause}};
  EXPECT_EQ(gate.room(start).accepts, 2U);
  EXPECT_FALSE(gate.admit(start).refused);
  EXPECT_FALSE(gate.admit(start).refused);
  Room room = gate.room(start);
  EXPECT_EQ(room.accepts, 0U);
  EXPECT_EQ(room.full, Room::Full::rate);
  EXPECT_EQ(room.until, start + milliseconds{100});
  EXPECT_FALSE(gate.admit(start).refused) << "it was accepted when there was room";
  room = gate.room(start + seconds{9});
  EXPECT_EQ(room.accepts, 0U);
  EXPECT_EQ(room.full, Room::Full::connections);
  gate.give_back(AddressTable::untracked);
  EXPECT_EQ(gate.room(start).full, Room::Full::rate);
  EXPECT_EQ(gate.room(start + seconds{9}).accepts, 1U);
}

TEST(AddressTable, remembers_a_bounded_number_and_forgets_who_was_quiet_for_the_longest) {
  AddressTable table{AddressTable::ways, 5, TokenRate::of(1, 2)};  // one set
  const std::size_t bytes = table.bytes();
  EXPECT_EQ(bytes, 128U);
  std::vector<std::uint32_t> places;
  for (std::uint64_t address = 1; address <= AddressTable::ways; ++address) {
    const AddressTable::Taken taken = table.take(address << 24, start + milliseconds{address});
    ASSERT_EQ(taken.verdict, AddressTable::Verdict::admitted);
    ASSERT_NE(taken.place, AddressTable::untracked);
    places.push_back(taken.place);
  }
  const AddressTable::Taken newcomer = table.take(std::uint64_t{100} << 24, start + seconds{1});
  EXPECT_EQ(newcomer.verdict, AddressTable::Verdict::admitted);
  EXPECT_EQ(newcomer.place, AddressTable::untracked) << "all eight have a connection: let in, and not counted";
  for (const std::uint32_t place : places) table.give_back(place);
  // The third one is the busiest by now, the first has been quiet for the longest.
  const auto third = table.take(std::uint64_t{3} << 24, start + milliseconds{10});
  table.give_back(third.place);
  const auto other = table.take(std::uint64_t{100} << 24, start + milliseconds{11});
  EXPECT_EQ(other.place, places[0]);
  EXPECT_EQ(table.take(std::uint64_t{3} << 24, start + milliseconds{12}).verdict, AddressTable::Verdict::too_fast)
      << "still remembered";
  table.give_back(other.place);
  EXPECT_EQ(table.connections(), 0U);
  EXPECT_EQ(table.bytes(), bytes);
}

TEST(AddressTable, counts_exactly_in_random_order) {
  constexpr std::uint32_t most = 4;
  AddressTable table{1 << 14, most, {}};
  Prng prng{7};
  std::map<std::uint64_t, std::vector<std::uint32_t>> open;
  for (int step = 0; step < 100'000; ++step) {
    const std::uint64_t address = Prng{prng.below(1000)}.next();
    std::vector<std::uint32_t>& places = open[address];
    if (prng.below(2) == 0 && !places.empty()) {
      table.give_back(places.back());
      places.pop_back();
      continue;
    }
    const AddressTable::Taken taken = table.take(address, start);
    EXPECT_EQ(taken.verdict == AddressTable::Verdict::admitted, places.size() < most);
    if (taken.verdict == AddressTable::Verdict::admitted) places.push_back(taken.place);
    ASSERT_LE(table.connections_of_busiest(), most);
  }
  for (const auto& [address, places] : open) {
    for (const std::uint32_t place : places) table.give_back(place);
  }
  EXPECT_EQ(table.connections(), 0U);
}

/// Few addresses in one set of entries, so that threads meet in claiming, forgetting and counting.
TEST(AddressTable, is_whole_after_many_threads) {
  constexpr std::uint32_t most = 3;
  AddressTable table{AddressTable::ways, most, {}};
  std::array<std::atomic<std::uint32_t>, 12> open{};
  std::atomic<std::uint32_t> worst{0};
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      Prng prng{thread};
      for (int step = 0; step < 20'000; ++step) {
        const std::uint64_t address = prng.below(open.size());
        const AddressTable::Taken taken = table.take((address + 1) << 24, start);
        if (taken.verdict != AddressTable::Verdict::admitted) continue;
        const bool tracked = taken.place != AddressTable::untracked;
        const std::uint32_t now = tracked ? ++open[address] : 0;
        for (std::uint32_t seen = worst; now > seen && !worst.compare_exchange_weak(seen, now);) {
        }
        if (tracked) --open[address];
        table.give_back(taken.place);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(worst.load(), most);
  EXPECT_EQ(table.connections(), 0U);
}

TEST(AddressTable, spreads_addresses_that_differ_in_one_bit) {
  Gate gate{{.connections_max = 1'000'000, .connections_per_address = 1, .addresses_max = 65'536}, {1, 2}};
  for (std::uint32_t client = 0; client < 8'192; ++client) {
    EXPECT_FALSE(gate.admit(ipv4(0x0a000000 + client), start).refused);
    EXPECT_FALSE(gate.admit(ipv6(network + (std::uint64_t{client} << 1), 1), start).refused);
  }
  EXPECT_EQ(gate.addresses()->bytes(), 1U << 20);
  // A quarter full: of sets of eight with two on average, two in ten thousand have more than eight.
  EXPECT_LE(gate.untracked(), 16U);
}

TEST(KeyedHash, is_siphash_and_depends_on_its_key) {
  EXPECT_NE((KeyedHash{{1, 2}}(1, 2, 3)), (KeyedHash{{1, 3}}(1, 2, 3)));
  EXPECT_NE((KeyedHash{{1, 2}}(1, 2, 3)), (KeyedHash{{1, 2}}(1, 2, 4)));
  static_assert(KeyedHash{{1, 2}}(1, 2, 3) == KeyedHash{{1, 2}}(1, 2, 3));
}

}  // namespace
}  // namespace iocpp::core

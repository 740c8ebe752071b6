#include "core/slot_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "base/prng.hpp"

namespace iocpp::core {
namespace {

Slot& take_open(SlotTable& table) {
  Slot* slot = table.take();
  EXPECT_NE(slot, nullptr);
  slot->state = SlotState::open;
  return *slot;
}

TEST(SlotTable, finds_a_slot_by_index_and_generation) {
  SlotTable table;
  Slot& slot = take_open(table);
  EXPECT_EQ(table.find(slot.index, slot.generation), &slot);
  EXPECT_EQ(table.in_use(), 1U);
  table.release(slot);
  EXPECT_EQ(table.in_use(), 0U);
}

TEST(SlotTable, a_slot_that_is_not_yet_open_is_not_found) {
  SlotTable table;
  Slot* slot = table.take();
  ASSERT_NE(slot, nullptr);
  EXPECT_EQ(slot->state, SlotState::free);
  EXPECT_EQ(table.find(slot->index, slot->generation), nullptr);
  table.release(*slot);
}

TEST(SlotTable, stale_and_made_up_ids_find_nothing) {
  SlotTable table;
  EXPECT_EQ(table.find(0, 1), nullptr);
  Slot& slot = take_open(table);
  const std::uint32_t index = slot.index;
  const std::uint32_t generation = slot.generation;
  EXPECT_EQ(table.find(index, 0), nullptr);
  EXPECT_EQ(table.find(index, generation + 1), nullptr);
  EXPECT_EQ(table.find(index + 1, generation), nullptr);
  EXPECT_EQ(table.find(0xffffff, generation), nullptr);
  table.release(slot);
  EXPECT_EQ(table.find(index, generation), nullptr);
  EXPECT_EQ(table.find(index, generation + 1), nullptr);
}

TEST(SlotTable, a_slot_comes_back_with_its_next_generation_and_nothing_of_its_former_life) {
  SlotTable table;
  Slot& slot = take_open(table);
  const std::uint32_t index = slot.index;
  const std::uint32_t generation = slot.generation;
  slot.handle = 42;
  slot.paused_by_user = slot.peer_ended = slot.reset = true;
  slot.drain_part = DrainPart::busy;
  slot.error = 104;
  slot.lingered_bytes = 9;
  slot.reason = DisconnectReason::peer_reset;
  slot.listener = 3;
  table.release(slot);
  Slot& again = take_open(table);
  ASSERT_EQ(again.index, index);
  EXPECT_EQ(again.generation, generation + 1);
  EXPECT_EQ(again.handle, no_handle);
  EXPECT_FALSE(again.paused_by_user || again.peer_ended || again.reset || again.drain_part != DrainPart::none);
  EXPECT_EQ(again.error, 0);
  EXPECT_EQ(again.lingered_bytes, 0U);
  EXPECT_EQ(again.send_in_flight_bytes, 0U);
  EXPECT_EQ(again.reason, DisconnectReason::local_close);
  EXPECT_EQ(again.listener, 0U);
  table.release(again);
}

TEST(SlotTable, a_slot_is_retired_after_its_last_generation) {
  SlotTable table;
  Slot& slot = take_open(table);
  const std::uint32_t index = slot.index;
  slot.generation = SlotTable::last_generation;
  EXPECT_EQ(table.find(index, SlotTable::last_generation), &slot);
  table.release(slot);
  EXPECT_EQ(table.in_use(), 0U);
  for (const std::uint32_t generation : {0U, 1U, SlotTable::last_generation}) {
    EXPECT_EQ(table.find(index, generation), nullptr);
  }
  std::vector<Slot*> others;
  for (int taken = 0; taken < 600; ++taken) {
    others.push_back(&take_open(table));
    EXPECT_NE(others.back()->index, index);
  }
  unsigned visited = 0;
  table.for_each([&](Slot&) { ++visited; });
  EXPECT_EQ(visited, 600U);
  for (Slot* other : others) table.release(*other);
}

TEST(SlotTable, the_last_generation_itself_is_used) {
  SlotTable table;
  Slot& slot = take_open(table);
  const std::uint32_t index = slot.index;
  slot.generation = SlotTable::last_generation - 1;
  table.release(slot);
  Slot& last = take_open(table);
  EXPECT_EQ(last.index, index);
  EXPECT_EQ(last.generation, SlotTable::last_generation);
  table.release(last);
  Slot& other = take_open(table);
  EXPECT_NE(other.index, index);
  table.release(other);
}

TEST(SlotTable, slots_stay_where_they_are_while_the_table_grows) {
  SlotTable table;
  std::vector<Slot*> slots;
  for (int taken = 0; taken < 3000; ++taken) slots.push_back(&take_open(table));
  std::set<std::uint32_t> indices;
  for (Slot* slot : slots) {
    EXPECT_EQ(table.find(slot->index, slot->generation), slot);
    indices.insert(slot->index);
  }
  EXPECT_EQ(indices.size(), slots.size());
  EXPECT_EQ(*indices.rbegin(), slots.size() - 1) << "low indices are used first";
  for (Slot* slot : slots) table.release(*slot);
}

TEST(SlotTable, an_id_is_never_given_out_twice) {
  SlotTable table;
  Prng prng{5};
  std::set<std::uint64_t> seen;
  std::vector<Slot*> open;
  for (int round = 0; round < 20'000; ++round) {
    if (open.empty() || (open.size() < 50 && prng.below(2) == 0)) {
      Slot& slot = take_open(table);
      const ConnectionId id{1, slot.index, slot.generation};
      EXPECT_TRUE(seen.insert(id.value()).second);
      EXPECT_TRUE(id);
      open.push_back(&slot);
    } else {
      const std::size_t leaver = prng.below(open.size());
      table.release(*open[leaver]);
      open[leaver] = open.back();
      open.pop_back();
    }
    ASSERT_EQ(table.in_use(), open.size());
  }
  for (Slot* slot : open) table.release(*slot);
}

TEST(SlotTable, visits_each_slot_in_use_once) {
  SlotTable table;
  std::vector<Slot*> slots;
  for (int taken = 0; taken < 300; ++taken) slots.push_back(&take_open(table));
  for (std::size_t at = 0; at < slots.size(); at += 3) table.release(*slots[at]);
  std::map<Slot*, int> visits;
  table.for_each([&](Slot& slot) { ++visits[&slot]; });
  EXPECT_EQ(visits.size(), table.in_use());
  for (const auto& [slot, count] : visits) EXPECT_EQ(count, 1);
  table.for_each([&](Slot& slot) { slot.lingered_bytes = 1; });
  for (std::size_t at = 0; at < slots.size(); ++at) {
    if (at % 3 != 0) table.release(*slots[at]);
  }
}

TEST(ConnectionId, packs_shard_slot_and_generation) {
  const ConnectionId id{0xab, 0xcdef01, 0x23456789};
  EXPECT_EQ(id.value(), 0xabcdef0123456789U);
  EXPECT_EQ(id.shard(), 0xabU);
  EXPECT_EQ(id.slot(), 0xcdef01U);
  EXPECT_EQ(id.generation(), 0x23456789U);
  EXPECT_EQ(ConnectionId::from_value(id.value()), id);
  EXPECT_FALSE(ConnectionId{});
  EXPECT_TRUE((ConnectionId{0, 0, 1}));
}

}  // namespace
}  // namespace iocpp::core

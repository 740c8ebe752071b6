#include "core/slot_table.hpp"

#include <new>

namespace iocpp::core {

bool SlotTable::grow() noexcept {
  if (size_ == capacity) return false;
  try {
    chunks_.push_back(std::make_unique<Chunk>());
  } catch (const std::bad_alloc&) {
    return false;
  }
  size_ += chunk_slots;
  for (std::uint32_t index = size_; index-- != size_ - chunk_slots;) {
    Slot& slot = at(index);
    slot.index = index;
    slot.send_in_flight_bytes = free_;
    free_ = index;
  }
  return true;
}

Slot* SlotTable::take() noexcept {
  if (free_ == none && !grow()) return nullptr;
  Slot& slot = at(free_);
  free_ = slot.send_in_flight_bytes;
  slot.send_in_flight_bytes = 0;
  ++in_use_;
  return &slot;
}

void SlotTable::release(Slot& slot) noexcept {
  assert(in_use_ > 0 && !slot.linked() && !slot.receive_in_flight && !slot.send_in_flight && !slot.close_in_flight);
  assert(slot.send_queue.empty() && slot.stash == nullptr && slot.context == nullptr && !slot.dirty);
  const std::uint32_t index = slot.index;
  const std::uint32_t generation = slot.generation;
  slot.~Slot();
  Slot& fresh = *new (&slot) Slot;
  fresh.index = index;
  --in_use_;
  if (generation == last_generation) {
    fresh.generation = 0;  // retired: no id has generation 0
    return;
  }
  fresh.generation = generation + 1;
  fresh.send_in_flight_bytes = free_;
  free_ = index;
}

}  // namespace iocpp::core

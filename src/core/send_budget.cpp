#include "core/send_budget.hpp"

#include <algorithm>
#include <cassert>

namespace iocpp::core {

SendBudget::SendBudget(std::size_t most, std::size_t shards) noexcept
    : most_{most}, portion_{std::clamp<std::size_t>(most / (16 * shards), 1, 256U << 10)} {}

/// Only what fits is added, so that a send that is too large takes no room from another shard's for a moment.
bool SendBudget::take(std::size_t bytes) noexcept {
  std::size_t before = taken_.load(std::memory_order_relaxed);
  do {
    if (bytes > most_ - before) return false;
  } while (!taken_.compare_exchange_weak(before, before + bytes, std::memory_order_relaxed));
  return true;
}

SendShare::~SendShare() {
  if (budget_ != nullptr) budget_->give_back(held_);
}

bool SendShare::take_counted(std::size_t bytes) noexcept {
  if (bytes > held_ - used_ && !hold_more(bytes)) return false;
  used_ += bytes;
  return true;
}

void SendShare::give_back_counted(std::size_t bytes) noexcept {
  assert(bytes <= used_);
  used_ -= bytes;
  if (held_ - used_ >= 2 * budget_->portion()) hold_less();
}

bool SendShare::hold_more(std::size_t bytes) noexcept {
  const std::size_t missing = bytes - (held_ - used_);
  // A portion at least; where there is none left, what is missing.
  for (const std::size_t more : {std::max(missing, budget_->portion()), missing}) {
    if (!budget_->take(more)) continue;
    held_ += more;
    return true;
  }
  return false;
}

/// Down to one portion beside what is used.
void SendShare::hold_less() noexcept {
  const std::size_t less = held_ - used_ - budget_->portion();
  budget_->give_back(less);
  held_ -= less;
}

}  // namespace iocpp::core

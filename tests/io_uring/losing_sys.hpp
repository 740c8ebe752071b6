// io_uring's real Sys that loses entries, as a kernel does whose ring has overflowed and that has no memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>

#include "backend/io_uring/sys.hpp"

namespace iocpp::tests {

class LosingSys : public io_uring::Sys {
 public:
  using Entry = io_uring::kernel::Entry;

  /// Of what kind an operation is, its name says: the first eight bits (io_uring::Port).
  enum class Kind : std::uint8_t { accept = 1, poll, receive, send, close = 9 };
  static Kind kind_of(const Entry& entry) { return static_cast<Kind>(entry.user >> 56); }

  int submit_and_wait(std::optional<std::chrono::nanoseconds> timeout) noexcept {
    const int result = Sys::submit_and_wait(entries_.empty() ? timeout : std::chrono::nanoseconds{0});
    take();
    return result;
  }
  void get_events() noexcept {
    Sys::get_events();
    take();
  }
  bool has_entries() const noexcept { return !entries_.empty(); }
  std::uint32_t entries_lost() const noexcept { return lost_; }

  template <class Each>
  void reap(unsigned most, Each&& each) noexcept {
    for (; most != 0 && !entries_.empty(); --most) {
      const Entry entry = entries_.front();
      entries_.pop_front();
      each(entry);
    }
  }

  int register_buffers(unsigned entries, std::uint16_t group, bool incremental) noexcept {
    if (no_memory == 0) return Sys::register_buffers(entries, group, incremental);
    --no_memory;
    return -12;
  }

  void lose_next(Kind kind) {
    loses = [kind, lost = false](const Entry& entry) mutable { return !lost && (lost = kind_of(entry) == kind); };
  }
  std::function<bool(const Entry&)> loses;
  /// One that it holds for comes 20 ms later: an operation in a thread of the kernel (io-wq) that has not run yet. A
  /// cancel of any finds it until then.
  std::function<bool(const Entry&)> is_late;
  unsigned no_memory = 0;  ///< So many times there is none for a ring of buffers.

 private:
  void take() noexcept {
    if (late_ && now() >= late_until_) {
      entries_.push_back(*late_);
      late_.reset();
    }
    Sys::reap(std::numeric_limits<unsigned>::max(), [this](Entry entry) {
      if (late_ && (entry.user >> 32) == cancel_of_any) entry.result = 1;
      if (loses && loses(entry)) {
        ++lost_;
      } else if (!late_ && is_late && is_late(entry)) {
        late_ = entry;
        late_until_ = now() + std::chrono::milliseconds{20};
        is_late = nullptr;
      } else {
        entries_.push_back(entry);
      }
    });
  }

  static constexpr std::uint64_t cancel_of_any = 10ULL << 24 | 1;  // as io_uring::Port names it

  std::deque<Entry> entries_;
  std::optional<Entry> late_;
  TimePoint late_until_{};
  std::uint32_t lost_ = 0;
};

}  // namespace iocpp::tests

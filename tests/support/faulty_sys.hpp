// io_uring's real Sys with faults: completions that the kernel did not make, posts that find no room, and time that
// does not pass by itself.
#pragma once

#include <deque>
#include <optional>

#include "backend/io_uring/sys.hpp"
#include "base/native_codes.hpp"
#include "support/accept_script.hpp"
#include "support/faulty_handles.hpp"

namespace iocpp::tests {

/// Sys with entries of its own among the kernel's.
class EntrySys : public io_uring::Sys {
 public:
  int submit_and_wait(std::optional<std::chrono::nanoseconds> timeout) noexcept {
    return Sys::submit_and_wait(entries_.empty() ? timeout : std::chrono::nanoseconds{0});
  }

  template <class Each>
  void reap(unsigned most, Each&& each) noexcept {
    for (; most != 0 && !entries_.empty(); --most) {
      const io_uring::kernel::Entry entry = entries_.front();
      entries_.pop_front();
      each(entry);
    }
    Sys::reap(most, each);
  }

  /// Entries of its own that were not reaped yet.
  std::size_t pending() const noexcept { return entries_.size(); }

 protected:
  bool complete(std::uint64_t user, std::int32_t result, std::uint32_t flags = 0) {
    entries_.push_back({user, result, flags});
    return true;
  }

 private:
  std::deque<io_uring::kernel::Entry> entries_;
};

/// A kernel that knows no taskrun flags, no incremental buffers, no multishot: what the port falls back to.
class OldSys : public EntrySys {
 public:
  int setup(unsigned entries, unsigned completions, unsigned flags) noexcept {
    return flags != 0 ? -linux_errno::inval : Sys::setup(entries, completions, flags);
  }
  int register_buffers(unsigned entries, std::uint16_t group, bool incremental) noexcept {
    return incremental ? -linux_errno::inval : Sys::register_buffers(entries, group, incremental);
  }
  bool accept(int listener, bool multishot, std::uint64_t user) noexcept {
    return multishot ? complete(user, -linux_errno::inval) : Sys::accept(listener, multishot, user);
  }
  bool receive(int socket, std::uint16_t group, bool multishot, std::uint64_t user) noexcept {
    return multishot ? complete(user, -linux_errno::inval) : Sys::receive(socket, group, multishot, user);
  }
};

/// Accepts fail as the script says. The clock stands still while the port works, and jumps over what would be waited
/// for: a retry after 1 s takes no time.
class FaultySys : public FaultyHandles<EntrySys> {
 public:
  using FaultyHandles::FaultyHandles;

  bool accept(int listener, bool multishot, std::uint64_t user) noexcept {
    if (multishot && script_.old_kernel_error != 0) return complete(user, -script_.old_kernel_error);
    if (script_.forever == 0 && script_.faults.empty()) return note_posted(Sys::accept(listener, multishot, user));
    AcceptFault fault{AcceptFault::Kind::error, script_.forever};
    if (script_.forever == 0) {
      fault = script_.faults.front();
      script_.faults.pop_front();
    }
    switch (fault.kind) {
      case AcceptFault::Kind::refused:
        return false;
      case AcceptFault::Kind::error:
        return note_posted(complete(user, -fault.code));
      case AcceptFault::Kind::ends_after_one:
        return note_posted(Sys::accept(listener, false, user));
      case AcceptFault::Kind::error_with_more:
        return note_posted(complete(user, -fault.code, io_uring::kernel::entry_more) &&
                           Sys::accept(listener, multishot, user));
    }
    return false;
  }

  /// Where the engine would wait, 1 ms is enough for the kernel.
  int submit_and_wait(std::optional<std::chrono::nanoseconds> timeout) noexcept {
    waited_for_ = timeout.value_or(std::chrono::nanoseconds{0});
    const bool at_once = timeout && timeout->count() == 0;
    return EntrySys::submit_and_wait(at_once ? std::chrono::nanoseconds{0} : std::chrono::milliseconds{1});
  }

  template <class Each>
  void reap(unsigned most, Each&& each) noexcept {
    bool anything = false;
    EntrySys::reap(most, [&](const io_uring::kernel::Entry& entry) {
      anything = true;
      each(entry);
    });
    script_.turned(anything, waited_for_);
  }

  bool poll(int listener, std::uint64_t user) noexcept {
    if (script_.poll_errors == 0) return Sys::poll(listener, user);
    --script_.poll_errors;
    return complete(user, -linux_errno::nomem);
  }

 private:
  std::chrono::nanoseconds waited_for_{0};

  bool note_posted(bool posted) {
    if (posted) script_.posted.push_back(now());
    return posted;
  }
};

}  // namespace iocpp::tests

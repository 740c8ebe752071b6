// Whether io_uring can be used here: tried, not guessed from a version.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

#include "backend/io_uring/kernel.hpp"
#include "base/native_codes.hpp"

namespace iocpp::io_uring {

/// What came of it: 0, or a native error, and where it came up.
struct Probe {
  enum class Step : unsigned char { set_up, operations, buffer_ring, enter, done };
  Step step = Step::done;
  int error = 0;
  bool usable() const noexcept { return step == Step::done; }
  bool no_handle() const noexcept { return error == linux_errno::mfile || error == linux_errno::nfile; }
};

/// Sets up a small ring and gives it up again. Every call that a port needs is made once, since each can be barred by
/// itself (seccomp(2) filters by call).
template <class Sys>
Probe probe(Sys& sys) noexcept {
  using Step = Probe::Step;
  constexpr std::array needed{kernel::operation_accept, kernel::operation_poll_add, kernel::operation_recv,
                              kernel::operation_send,   kernel::operation_sendmsg,  kernel::operation_async_cancel,
                              kernel::operation_close,  kernel::operation_read};
  constexpr unsigned entries = 8;
  if (const int error = sys.setup(entries, 2 * entries, 0); error != 0) return {Step::set_up, -error};
  Probe outcome;
  bool all = true;
  const bool asked = sys.ask_for(needed, [&](bool supported) { all = all && supported; });
  if (asked && !all) outcome = {Step::operations, linux_errno::opnotsupp};
  if (outcome.usable()) {
    if (const int error = sys.register_buffers(entries, 0, false); error != 0) outcome = {Step::buffer_ring, -error};
  }
  if (outcome.usable()) {
    if (const int result = sys.submit_and_wait(std::chrono::nanoseconds{0}); result < 0)
      outcome = {Step::enter, -result};
  }
  sys.teardown();
  return outcome;
}

/// In words, as far as it is known: the system answers a filter's EPERM and its own alike.
inline std::string describe(const Probe& probe) {
  if (probe.usable()) return "io_uring has all that is needed";
  switch (probe.error) {
    case linux_errno::perm:
      return "io_uring barred (EPERM: seccomp or kernel.io_uring_disabled)";
    case linux_errno::acces:
      return "io_uring barred (EACCES: a security policy)";
    case linux_errno::nosys:
      return "kernel without io_uring, or a filter that hides it (ENOSYS)";
    case linux_errno::nomem:
      return "no memory for io_uring's rings (ENOMEM: a memory limit, or RLIMIT_MEMLOCK before Linux 5.12)";
    case linux_errno::mfile:
    case linux_errno::nfile:
      return "no handle for io_uring's ring (EMFILE, ENFILE)";
    default:
      break;
  }
  if (probe.step == Probe::Step::operations) return "io_uring lacks operations that are needed (kernel before 5.19)";
  if (probe.step == Probe::Step::buffer_ring && probe.error == linux_errno::inval)
    return "io_uring lacks provided buffer rings (kernel before 5.19)";
  return "io_uring can't be set up (error " + std::to_string(probe.error) + ")";
}

}  // namespace iocpp::io_uring

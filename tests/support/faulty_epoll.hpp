// epoll's real Sys with faults: accepts that fail as a script says, and time that does not pass by itself.
#pragma once

#include <optional>
#include <utility>

#include "backend/epoll/sys.hpp"
#include "base/native_codes.hpp"
#include "support/accept_script.hpp"
#include "support/faulty_handles.hpp"

namespace iocpp::tests {

/// An accept4 here knows nothing of multishot: the first one stands for all that an old kernel would refuse, and an
/// error ends the accept whatever the script says of more.
class FaultyEpollSys : public FaultyHandles<epoll::Sys> {
 public:
  using FaultyHandles::FaultyHandles;

  int accept(int listener) noexcept {
    if (script_.old_kernel_error != 0 && !std::exchange(old_kernel_told_, true)) return -script_.old_kernel_error;
    if (script_.forever != 0) return fail(script_.forever);
    if (script_.faults.empty() || script_.faults.front().kind == AcceptFault::Kind::ends_after_one) {
      const int accepted = Sys::accept(listener);
      if (accepted >= 0 && !script_.faults.empty()) script_.faults.pop_front();
      return accepted;
    }
    const int code = script_.faults.front().code;
    script_.faults.pop_front();
    return fail(code);
  }

  int wait(std::optional<std::chrono::nanoseconds> timeout) noexcept {
    const bool at_once = timeout && timeout->count() == 0;
    const int result = Sys::wait(at_once ? std::chrono::nanoseconds{0} : std::chrono::milliseconds{1});
    script_.turned(result != 0, timeout.value_or(std::chrono::nanoseconds{0}));
    return result;
  }

  std::size_t pending() const noexcept { return 0; }

 private:
  int fail(int code) {
    script_.posted.push_back(now());
    return -code;
  }

  bool old_kernel_told_ = false;
};

}  // namespace iocpp::tests

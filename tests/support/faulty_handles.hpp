// A real Sys of Linux whose accepts and reserve handle fail as a script says, and whose time does not pass by itself:
// what both of its backends' systems ask alike.
#pragma once

#include <chrono>
#include <utility>

#include "base/clock.hpp"
#include "base/native_codes.hpp"
#include "support/accept_script.hpp"

namespace iocpp::tests {

template <class Sys>
class FaultyHandles : public Sys {
 public:
  explicit FaultyHandles(AcceptScript* script) noexcept : script_{*script} {}

  int accept_now(int listener) noexcept {
    const int error = script_.accept_now();
    return error != 0 ? -error : Sys::accept_now(listener);
  }

  int open_reserve() noexcept { return reserve_fails() ? -linux_errno::mfile : Sys::open_reserve(); }
  int close_into_reserve(int handle) noexcept {
    return reserve_fails() ? -linux_errno::mfile : Sys::close_into_reserve(handle);
  }

  TimePoint now() const noexcept { return TimePoint{std::chrono::hours{1}} + script_.skipped; }

 protected:
  AcceptScript& script_;

 private:
  bool reserve_fails() noexcept {
    if (script_.reserve_failures == 0) return false;
    --script_.reserve_failures;
    return true;
  }
};

}  // namespace iocpp::tests

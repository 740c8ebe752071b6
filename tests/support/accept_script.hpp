// How a faulty kernel's accepts are to fail.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace iocpp::tests {

/// What is to happen to the next accepts that are posted, in order; after the script, the kernel decides.
struct AcceptFault {
  enum class Kind : std::uint8_t {
    error,            ///< Ends with `code`.
    error_with_more,  ///< The real multishot is posted, and an error comes first that does not end it.
    ends_after_one,   ///< Accepts one client, then ends without an error: a multishot that ends.
    refused,          ///< No room to post it.
  };
  Kind kind = Kind::error;
  int code = 0;
};

/// The script of a test, and what the port did. It outlives the port.
struct AcceptScript {
  std::deque<AcceptFault> faults;
  std::deque<int> accept_now_errors;  ///< Of the accepts that do not wait: while shedding, and when closing.
  int shortage = 0;                   ///< The same, until `shortage_skips` is skipped, and once more.
  std::chrono::nanoseconds shortage_skips{0};
  int poll_errors = 0;                  ///< So many polls of the listener end with ENOMEM, where there are polls.
  int reserve_failures = 0;             ///< So many times the reserve handle can't be opened.
  int old_kernel_error = 0;             ///< Not 0: every multishot accept ends with it.
  int forever = 0;                      ///< Not 0: every accept ends with it, until it is 0 again.
  std::vector<TimePoint> posted;        ///< When accepts were posted (refused ones not).
  std::chrono::nanoseconds skipped{0};  ///< Time that was skipped instead of slept.

  /// A turn has waited. Only if nothing came of it, the time that it was to wait is over: a loop that is woken again
  /// and again gets no older, so that a spin stays one.
  void turned(bool anything, std::chrono::nanoseconds waited_for) {
    const bool same_instant = anything || waited_for.count() == 0;
    if (!same_instant) skipped += waited_for;
    turns_at_this_instant = same_instant ? turns_at_this_instant + 1 : 0;
    most_turns_at_one_instant = std::max(most_turns_at_one_instant, turns_at_this_instant);
  }
  unsigned turns_at_this_instant = 0;
  unsigned most_turns_at_one_instant = 0;

  /// What an accept that does not wait ends with; 0: as the kernel says.
  int accept_now() {
    if (shortage != 0) return skipped < shortage_skips ? shortage : std::exchange(shortage, 0);
    if (accept_now_errors.empty()) return 0;
    const int error = accept_now_errors.front();
    accept_now_errors.pop_front();
    return error;
  }

  /// The most accepts posted at one instant: a spin shows here.
  std::size_t most_at_one_instant() const {
    std::size_t most = 0;
    for (auto first = posted.begin(); first != posted.end();) {
      const auto last = std::find_if(first, posted.end(), [&](TimePoint at) { return at != *first; });
      most = std::max(most, static_cast<std::size_t>(last - first));
      first = last;
    }
    return most;
  }
};

}  // namespace iocpp::tests

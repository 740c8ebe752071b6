// How a faulty kernel's accepts are to fail.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
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
  int old_kernel_error = 0;             ///< Not 0: every multishot accept ends with it.
  int forever = 0;                      ///< Not 0: every accept ends with it, until it is 0 again.
  std::vector<TimePoint> posted;        ///< When accepts were posted (refused ones not).
  std::chrono::nanoseconds skipped{0};  ///< Time that was skipped instead of slept.

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

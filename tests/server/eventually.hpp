// How long a test waits for what must come; nothing is made true by waiting.
#pragma once

#include <chrono>
#include <thread>

namespace iocpp::tests {

/// Far more than anything here needs, also under a sanitizer on a busy machine: only a test that fails waits so long.
inline constexpr std::chrono::seconds patience{30};

/// For what announces itself by no event (a counter): looked at until it holds. False: it never did.
template <class Predicate>
[[nodiscard]] bool eventually(Predicate&& holds) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace iocpp::tests

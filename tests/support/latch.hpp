// std::latch, for programs that run on Windows too.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace iocpp::tests {

/// libstdc++ 12's own loses its notification with mingw-w64, and waits for ever.
class Latch {
 public:
  explicit Latch(std::ptrdiff_t expected) : left_{expected} {}

  void count_down() {
    const std::lock_guard lock{mutex_};
    if (--left_ == 0) open_.notify_all();
  }
  void wait() {
    std::unique_lock lock{mutex_};
    open_.wait(lock, [this] { return left_ <= 0; });
  }
  void arrive_and_wait() {
    count_down();
    wait();
  }

 private:
  std::mutex mutex_;
  std::condition_variable open_;
  std::ptrdiff_t left_;
};

}  // namespace iocpp::tests

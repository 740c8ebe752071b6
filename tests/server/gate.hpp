// Holds a thread until a test lets it go on.
#pragma once

#include <condition_variable>
#include <mutex>

#include "server/eventually.hpp"

namespace iocpp::tests {

class Gate {
 public:
  void open() {
    const std::lock_guard lock{mutex_};
    is_open_ = true;
    changed_.notify_all();
  }

  /// False: it was not opened in all that time, and the thread goes on, so that a test that has failed ends.
  bool wait() {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [this] { return is_open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
};

}  // namespace iocpp::tests

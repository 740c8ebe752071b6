#include "stress/crew.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace stress {
namespace {

constexpr auto redraw_every = std::chrono::milliseconds{100};

/// Counts the threads that still work, and keeps the first exception.
class Attendance {
 public:
  explicit Attendance(unsigned working) : working_{working} {}

  void leave(std::exception_ptr error) {
    const std::lock_guard lock{mutex_};
    if (error && !error_) error_ = error;
    if (--working_ == 0) all_left_.notify_one();
  }

  bool wait_for(std::chrono::milliseconds timeout) {
    std::unique_lock lock{mutex_};
    return all_left_.wait_for(lock, timeout, [this] { return working_ == 0; });
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_left_;
  unsigned working_;
  std::exception_ptr error_;
};

}  // namespace

void run_crew(unsigned threads, const std::function<void(unsigned)>& work, ProgressDisplay* display,
              const std::function<ProgressSample()>& sample) {
  Attendance attendance{threads};
  if (display) display->start(Clock::now());
  {
    std::vector<std::jthread> crew;
    for (unsigned i = 0; i < threads; ++i) {
      crew.emplace_back([&, i] {
        std::exception_ptr error;
        try {
          work(i);
        } catch (...) {
          error = std::current_exception();
        }
        attendance.leave(error);
      });
    }
    while (!attendance.wait_for(redraw_every)) {
      if (display) display->show(sample(), Clock::now());
    }
  }
  if (display) display->finish();
  attendance.rethrow();
}

}  // namespace stress

// Tasks of a shard that wait for their time (Server::post_after).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/timer_queue.hpp"

namespace iocpp::engine {

struct PostponedTask : core::Timer {
  PostponedTask(TimePoint time, std::function<void()> what) : due{time}, task{std::move(what)} {
    kind = core::TimerKind::postponed;
  }

  TimePoint due;
  std::function<void()> task;
  std::size_t place = 0;  ///< In the list of its shard.
};

/// What has come to a shard and was not run yet. Its own thread.
class Postponed {
 public:
  explicit Postponed(core::TimerQueue& timers) noexcept : timers_{timers} {}
  ~Postponed() { drop_all(); }
  Postponed(const Postponed&) = delete;
  Postponed& operator=(const Postponed&) = delete;

  /// Throws `std::bad_alloc`; the task is left to the caller then.
  void add(std::unique_ptr<PostponedTask>& task) {
    task->place = tasks_.size();
    tasks_.push_back(nullptr);
    timers_.arm(*task, task->due);
    tasks_.back() = std::move(task);
  }

  /// The task whose timer has fired.
  std::unique_ptr<PostponedTask> take(core::Timer& timer) noexcept {
    const std::size_t place = static_cast<PostponedTask&>(timer).place;
    std::unique_ptr<PostponedTask> task = std::exchange(tasks_[place], nullptr);
    if (place + 1 != tasks_.size()) {
      tasks_[place] = std::move(tasks_.back());
      tasks_[place]->place = place;
    }
    tasks_.pop_back();
    return task;
  }

  void drop_all() noexcept {
    for (const auto& task : tasks_) timers_.cancel(*task);
    tasks_.clear();
  }

 private:
  core::TimerQueue& timers_;
  std::vector<std::unique_ptr<PostponedTask>> tasks_;
};

}  // namespace iocpp::engine

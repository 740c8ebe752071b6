// Threads that work while the main one shows how far they are.
#pragma once

#include <functional>

#include "stress/progress.hpp"

namespace stress {

/// Runs `work(0)` to `work(threads - 1)`, each on a thread of its own, until all have returned; rethrows what the first
/// of them threw. Where there is a display, shows `sample()` on it meanwhile.
void run_crew(unsigned threads, const std::function<void(unsigned)>& work, ProgressDisplay* display = nullptr,
              const std::function<ProgressSample()>& sample = {});

}  // namespace stress

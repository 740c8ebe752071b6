// How long a cache line takes from one core to another and back: the median over batches, in ns.
//
// Usage: round_trip CORE CORE
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

constexpr int batches = 51;
constexpr int trips = 2000;
alignas(64) std::atomic<int> line{0};

void pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(core), &set);
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) std::exit(1);
}

/// Answers each odd number with the next.
void answer(int core) {
  pin_to(core);
  for (int expected = 1; expected < 2 * batches * trips; expected += 2) {
    while (line.load(std::memory_order_acquire) != expected) {
    }
    line.store(expected + 1, std::memory_order_release);
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  std::thread other{answer, std::atoi(words[1])};
  pin_to(std::atoi(words[2]));
  std::array<double, static_cast<std::size_t>(batches)> means{};
  int said = 1;
  for (double& mean : means) {
    const auto begin = std::chrono::steady_clock::now();
    for (int trip = 0; trip < trips; ++trip, said += 2) {
      line.store(said, std::memory_order_release);
      while (line.load(std::memory_order_acquire) != said + 1) {
      }
    }
    mean = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count() / trips;
  }
  other.join();
  std::ranges::sort(means);
  std::printf("%.1f\n", means[means.size() / 2]);
}

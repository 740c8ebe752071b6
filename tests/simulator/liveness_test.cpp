// A client that is met, but late, while others come and go: nothing is wrong in the end, and it is found all the same.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "backend/io_uring/port.hpp"
#include "simulator/io_uring_sys.hpp"
#include "simulator/run.hpp"
#include "simulator/shard_over.hpp"

namespace iocpp::simulator {
namespace {

/// The kernel keeps the 20th client that it accepts to itself for five seconds.
class KeepingIoUring : public IoUringSys {
 public:
  using IoUringSys::IoUringSys;

 protected:
  void complete(const Entry& entry) override {
    if (kept_ && machine_.now() - kept_at_ >= std::chrono::seconds{5}) {
      const Entry kept = *std::exchange(kept_, std::nullopt);
      IoUringSys::complete(kept);
    }
    constexpr std::uint64_t accept = 1;
    const bool of_client =
        (entry.user >> 56) == accept && entry.result >= 0 && (entry.flags & io_uring::kernel::entry_more) != 0;
    if (!of_client || ++count_ != 20) return IoUringSys::complete(entry);
    kept_ = entry;
    kept_at_ = machine_.now();
  }

 private:
  unsigned count_ = 0;
  std::optional<Entry> kept_;
  TimePoint kept_at_{};
};

std::string first_violation() {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const Plan plan{.seed = seed, .platform = Platform::io_uring, .connections = 10'000, .faults = Level::none};
    const Outcome outcome = simulate(plan, make_shard_over<io_uring::Port, KeepingIoUring>);
    if (outcome.violated != 0) return outcome.detail;
  }
  return {};
}

TEST(Liveness, a_client_that_is_met_late_amid_traffic_is_found) {
  EXPECT_EQ(first_violation(), "a client knocks, nothing is in the way, and it is not met");
}

}  // namespace
}  // namespace iocpp::simulator

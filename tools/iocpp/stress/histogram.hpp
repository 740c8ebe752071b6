// A histogram of times over their whole range, in little memory.
#pragma once

#include <cstdint>
#include <vector>

namespace stress {

/// Counts values in log-linear buckets: each power of two is cut into 128, so a reported value is at most 2^-7 (0.8 %)
/// above the true one and never below it. Values up to 255 are exact, and so is the maximum. 58 KiB, whatever the
/// values.
class Histogram {
 public:
  static constexpr unsigned precision_bits = 7;

  Histogram();

  void record(std::uint64_t value) noexcept;
  void merge(const Histogram& other) noexcept;

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t maximum() const noexcept { return maximum_; }

  /// The smallest value that at least this share (0 to 1) of the values do not exceed. 0 when there is none.
  std::uint64_t value_at(double share) const noexcept;

  /// How many values are not above this one, as they are reported.
  std::uint64_t count_to(std::uint64_t value) const noexcept;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t maximum_ = 0;
};

}  // namespace stress

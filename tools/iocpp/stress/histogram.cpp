#include "stress/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace stress {
namespace {

constexpr unsigned bits = Histogram::precision_bits;
constexpr std::uint64_t steps = std::uint64_t{1} << bits;  // of one power of two

// The first 2 * steps buckets hold one value each; each further group of `steps` buckets is twice as wide as the one
// before.
constexpr std::size_t bucket_of(std::uint64_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(value));
  const unsigned shift = width > bits + 1 ? width - bits - 1 : 0;
  return shift * steps + (value >> shift);
}

constexpr std::uint64_t highest_in(std::size_t bucket) {
  if (bucket < 2 * steps) return bucket;
  const std::uint64_t shift = bucket / steps - 1;
  const std::uint64_t step = bucket - shift * steps;
  return (step << shift) + ((std::uint64_t{1} << shift) - 1);
}

constexpr std::size_t bucket_count = bucket_of(~std::uint64_t{0}) + 1;

}  // namespace

Histogram::Histogram() : buckets_(bucket_count) {}

void Histogram::record(std::uint64_t value) noexcept {
  ++buckets_[bucket_of(value)];
  ++count_;
  maximum_ = std::max(maximum_, value);
}

void Histogram::merge(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < bucket_count; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  maximum_ = std::max(maximum_, other.maximum_);
}

std::uint64_t Histogram::value_at(double share) const noexcept {
  const double rank = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_));
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(rank));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < bucket_count; ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return std::min(highest_in(i), maximum_);
  }
  return maximum_;
}

std::uint64_t Histogram::count_to(std::uint64_t value) const noexcept {
  if (value >= maximum_) return count_;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < bucket_count && highest_in(i) <= value; ++i) seen += buckets_[i];
  return seen;
}

}  // namespace stress

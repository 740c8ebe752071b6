// The test program's operator new, which counts, and fails where a test asks for it.
#pragma once

#include <cstdint>

namespace iocpp::core {

/// Allocations of this thread so far.
std::uint64_t allocations() noexcept;
/// ... and their bytes, also of those that were freed since.
std::uint64_t allocated_bytes() noexcept;

/// While it lives, allocations of this thread after the first `allowed` ones throw std::bad_alloc.
class AllocationsFail {
 public:
  explicit AllocationsFail(std::uint64_t allowed = 0) noexcept;
  ~AllocationsFail();
  AllocationsFail(const AllocationsFail&) = delete;
  AllocationsFail& operator=(const AllocationsFail&) = delete;
};

}  // namespace iocpp::core

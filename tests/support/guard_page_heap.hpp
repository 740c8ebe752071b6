// Memory for the test programs on Windows, where there is no AddressSanitizer: a block ends at a page that faults, and
// its pages fault once it is released.
#pragma once

#include <cstddef>

namespace iocpp::tests {

/// Null where there is no memory. `alignment` is a power of two. Any thread.
void* guarded_allocate(std::size_t bytes, std::size_t alignment) noexcept;

/// Ends the program when bytes around the block were written: those of a page are seen only now. Null is allowed.
void guarded_release(void* memory) noexcept;

}  // namespace iocpp::tests

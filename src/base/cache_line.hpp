// What one processor's write takes away from the others.
#pragma once

#include <cstddef>

namespace iocpp {

/// 64 bytes on x86-64 and on most of ARM. The standard's hardware_destructive_interference_size changes with a
/// compiler's options, so g++ warns of it in headers (-Winterference-size).
inline constexpr std::size_t cache_line = 64;

}  // namespace iocpp

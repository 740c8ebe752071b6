// The system's handle of a socket: a descriptor on Linux, a SOCKET on Windows.
#pragma once

#include <cstdint>

namespace iocpp {

using NativeHandle = std::intptr_t;
inline constexpr NativeHandle no_handle = -1;

}  // namespace iocpp

// The error numbers of the system that the tests run on, by their meaning.
#pragma once

#include "base/native_codes.hpp"
#include "core/platform.hpp"

namespace iocpp::tests::native {

#ifdef _WIN32
inline constexpr core::Platform platform = core::Platform::windows_os;
inline constexpr int would_block = windows_error::wsaewouldblock, connection_reset = windows_error::wsaeconnreset,
                     broken_pipe = windows_error::wsaeconnaborted, not_connected = windows_error::wsaenotconn,
                     address_in_use = windows_error::wsaeaddrinuse, too_many_handles = windows_error::wsaemfile,
                     no_buffers = windows_error::wsaenobufs, cancelled = windows_error::operation_aborted,
                     host_unreachable = 10065;
#else
inline constexpr core::Platform platform = core::Platform::linux_os;
inline constexpr int would_block = linux_errno::again, connection_reset = linux_errno::connreset,
                     broken_pipe = linux_errno::pipe, not_connected = linux_errno::notconn,
                     address_in_use = linux_errno::addrinuse, too_many_handles = linux_errno::mfile,
                     no_buffers = linux_errno::nobufs, cancelled = linux_errno::canceled,
                     host_unreachable = linux_errno::hostunreach;
#endif

}  // namespace iocpp::tests::native

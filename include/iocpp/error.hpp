// Errors: one enumeration to compare with, on every system, and the native value kept beside it.
#pragma once

#include <system_error>

#include <iocpp/export.hpp>

namespace iocpp {

/// What went wrong, in the same words on Linux and Windows. Compare with it: `if (error ==
/// iocpp::errc::connection_reset)`.
///
/// An error that the system reported is an `std::error_code` of `native_category()`: it keeps the system's number and
/// text (`errno`, or a Winsock / Win32 code such as 10054 or 64) and compares equal to the enumerator below. An error
/// of the library's own
/// (`would_block`, `closed`, ...) is made by `make_error_code`.
enum class errc {
  success = 0,
  closed,                 ///< The connection (or the server) has ended; nothing was queued.
  would_block,            ///< A bounded queue is full; try again later, or drop (EAGAIN, 10035).
  send_overflow,          ///< A send queue would grow past its cap, or all of them together past theirs.
  timed_out,              ///< A deadline was over, or TCP gave the peer up (ETIMEDOUT, 10060, 121: `peer_reset`).
  cancelled,              ///< The operation was cancelled, by us (ECANCELED, 995).
  connection_reset,       ///< The peer reset the connection (ECONNRESET, EPIPE, 10054, 64, 1236).
  connection_aborted,     ///< The connection was aborted, here or on the way (ECONNABORTED, 10053).
  not_connected,          ///< No connection (ENOTCONN, 10057): a client that left before its accept was handled.
  address_in_use,         ///< The port has a listener already (EADDRINUSE, 10048).
  address_not_available,  ///< The address is not one of this machine's (EADDRNOTAVAIL, 10049).
  permission_denied,      ///< Not allowed, for example a port below 1024 (EACCES, EPERM, 10013).
  too_many_handles,       ///< The process's or the system's limit of handles is reached (EMFILE, ENFILE, 10024).
  no_resources,           ///< The system is out of buffers or memory (ENOBUFS, ENOMEM, 10055).
  not_supported,          ///< This system or build can't do it.
  bad_handle,             ///< Not a socket, or closed already (EBADF, ENOTSOCK, 10038).
  invalid_argument,       ///< An option or argument is out of its range; the message names it.
  resource_deadlock_would_occur,  ///< `Server::wait` was called on a shard's own thread: it would wait for itself.
  network,                        ///< Any other error of the network or the system; the native value says which.
};

/// The category of the library's own errors.
IOCPP_EXPORT const std::error_category& category() noexcept;

/// The category of the system's errors: `value()` is the native number, `message()` the system's text with that number.
IOCPP_EXPORT const std::error_category& native_category() noexcept;

/// An error of the library's own, of `category()`.
IOCPP_EXPORT std::error_code make_error_code(errc error) noexcept;
/// What makes `error == iocpp::errc::closed` work, for errors of either category.
IOCPP_EXPORT std::error_condition make_error_condition(errc error) noexcept;

/// The system's error number `value` (errno, WSAGetLastError, GetLastError) as an error code. 0 is success.
IOCPP_EXPORT std::error_code native_error(int value) noexcept;

}  // namespace iocpp

template <>
struct std::is_error_condition_enum<iocpp::errc> : std::true_type {};

// The systems' error numbers that the rules know by name, so that both tables can be compiled and tested on either
// system.
#pragma once

namespace iocpp {

/// errno of Linux on x86-64 and AArch64 (asm-generic/errno.h).
namespace linux_errno {
inline constexpr int perm = 1, intr = 4, badf = 9, again = 11, nomem = 12, acces = 13, fault = 14, inval = 22,
                     nfile = 23, mfile = 24, pipe = 32, badr = 53, proto = 71, notsock = 88, noprotoopt = 92,
                     opnotsupp = 95, afnosupport = 97, addrinuse = 98, addrnotavail = 99, netdown = 100,
                     netunreach = 101, netreset = 102, connaborted = 103, connreset = 104, nobufs = 105, notconn = 107,
                     shutdown = 108, timedout = 110, connrefused = 111, hostdown = 112, hostunreach = 113, nonet = 64,
                     canceled = 125, nosys = 38, time = 62, busy = 16, already = 114;
}  // namespace linux_errno

/// Winsock and Win32 (winerror.h).
namespace windows_error {
inline constexpr int access_denied = 5, invalid_handle = 6, not_enough_memory = 8, unexp_net_err = 59,
                     netname_deleted = 64, sem_timeout = 121, operation_aborted = 995, not_found = 1168,
                     connection_aborted = 1236, no_system_resources = 1450, commitment_limit = 1455,
                     working_set_quota = 1453, wsaeacces = 10013, wsaefault = 10014, wsaeinval = 10022,
                     wsaemfile = 10024, wsaewouldblock = 10035, wsaenotsock = 10038, wsaeopnotsupp = 10045,
                     wsaeafnosupport = 10047, wsaeaddrinuse = 10048, wsaeaddrnotavail = 10049, wsaenetdown = 10050,
                     wsaenetreset = 10052, wsaeconnaborted = 10053, wsaeconnreset = 10054, wsaenobufs = 10055,
                     wsaenotconn = 10057, wsaeshutdown = 10058, wsaetimedout = 10060;
}  // namespace windows_error

}  // namespace iocpp

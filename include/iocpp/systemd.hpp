// Socket activation: sockets that systemd listens on before the server is there, and while it is being replaced.
#pragma once

#include <vector>

#include <iocpp/export.hpp>
#include <iocpp/options.hpp>

namespace iocpp {

/// The listening sockets that systemd has given this process (the variables LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES,
/// sd_listen_fds(3)), for `Options::listen`: one `Listen` an address, with the name that the unit gives it
/// (FileDescriptorName=). Empty: none were given, or not to this process; on Windows always.
///
/// The variables are taken out of the environment and the sockets are not inherited any further, so that no child takes
/// them for its own. Call it once, before there are other threads (unsetenv(3)). Throws `std::system_error`
/// (`errc::invalid_argument`) where a variable is malformed or one of the sockets is nothing that TCP clients could be
/// accepted from; the text says which, and what to change in the unit.
IOCPP_EXPORT std::vector<Listen> listeners_from_systemd();

}  // namespace iocpp

// Winsock, which a process must start before its first socket.
#pragma once

namespace iocpp::windows {

/// Starts it at the first call; it is there until the process ends. The native error; 0 for success. Any thread.
int start_winsock() noexcept;

}  // namespace iocpp::windows

// The signals that ask a program to end: SIGINT and SIGTERM (Windows: Ctrl+C, Ctrl+Break, console close, logoff and
// shutdown).
#pragma once

#include <chrono>

namespace iocpp::backend {

/// While it lives, `stop(context, nth, at_most)` is called for each such signal, the first with 1, in a signal handler
/// (Windows: on a thread of the system's). Puts the earlier handling back at its end. One at a time in a process: the
/// constructor throws `std::system_error` for a second.
///
/// `at_most` is how long the system lets the process live on: `unlimited`, but for Windows's console close, logoff and
/// shutdown. What it promises includes the time that `main` needs after the drain.
class StopSignals {
 public:
  using Stop = void (*)(void* context, int nth, std::chrono::milliseconds at_most) noexcept;
  static constexpr std::chrono::milliseconds unlimited = std::chrono::milliseconds::max();

  StopSignals(Stop stop, void* context);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
};

}  // namespace iocpp::backend

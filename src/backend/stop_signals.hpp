// The signals that ask a program to end: SIGINT and SIGTERM (Windows: Ctrl+C and console close).
#pragma once

namespace iocpp::backend {

/// While it lives, `stop(context, nth)` is called for each such signal, the first with 1, in a signal handler. Puts the
/// earlier handling back at its end. One at a time in a process: the constructor throws `std::system_error` for a
/// second.
class StopSignals {
 public:
  using Stop = void (*)(void* context, int nth) noexcept;

  StopSignals(Stop stop, void* context);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
};

}  // namespace iocpp::backend

// The program itself, run as a process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// Starts `iocpp` with these arguments; both of its outputs are read here. Ended by the destructor if it still runs.
class ProgramRun {
 public:
  explicit ProgramRun(const std::vector<std::string>& arguments);
  ~ProgramRun();
  ProgramRun(const ProgramRun&) = delete;
  ProgramRun& operator=(const ProgramRun&) = delete;

  /// Waits for the next whole line, without its end; what there is when the output ends first.
  std::string read_output_line() { return read_line(output_); }
  std::string read_error_line() { return read_line(errors_); }

  /// Whether it can be asked to end: on Windows that takes a console.
  static bool can_be_asked_to_end();
  /// SIGTERM, and what a user types: Ctrl+C. Windows has the latter only.
  void terminate() const;
  void interrupt() const;

  /// Waits for the end. The exit code; -1 when a signal ended it. `output` and `errors` hold the rest then.
  int wait();
  std::string output;
  std::string errors;

 private:
  static std::string read_line(std::intptr_t handle);

  std::intptr_t process_ = -1;  ///< The system's: a process, and the reading ends of two pipes.
  std::intptr_t output_ = -1;
  std::intptr_t errors_ = -1;
};

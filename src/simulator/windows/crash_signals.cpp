#include "simulator/crash_signals.hpp"

#include <io.h>

#include <array>
#include <csignal>
#include <cstddef>

namespace iocpp::simulator {
namespace {

/// The C runtime has no others here, and SIGSEGV only for the thread that the processor stopped (its page of `signal`).
constexpr std::array signals{SIGABRT, SIGSEGV};
using Handler = void (*)(int);
std::array<Handler, signals.size()> before;
void (*say_it)(std::string_view) noexcept = nullptr;

/// The runtime has put back the default before it calls this; `abort` ends the process after it.
void on_signal(int signal) {
  say_it(signal == SIGABRT ? "SIGABRT" : "SIGSEGV");
  let_crashes_be();
  if (signal == SIGABRT) std::raise(signal);
}

}  // namespace

void catch_crashes(void (*say)(std::string_view) noexcept) noexcept {
  say_it = say;
  for (std::size_t at = 0; at < signals.size(); ++at) before[at] = std::signal(signals[at], on_signal);
}

void let_crashes_be() noexcept {
  for (std::size_t at = 0; at < signals.size(); ++at) {
    if (before[at] != SIG_ERR) std::signal(signals[at], before[at]);
  }
}

void write_to_error_output(std::string_view text) noexcept {
  constexpr int error_output = 2;
  ::_write(error_output, text.data(), static_cast<unsigned>(text.size()));
}

}  // namespace iocpp::simulator

#include "simulator/crash_signals.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstddef>

namespace iocpp::simulator {
namespace {

constexpr std::array signals{SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
std::array<struct sigaction, signals.size()> before;
void (*say_it)(std::string_view) noexcept = nullptr;

/// sigabbrev_np(3) would say it without the prefix, and is not everywhere.
std::string_view name_of(int signal) noexcept {
  switch (signal) {
    case SIGABRT:
      return "SIGABRT";
    case SIGSEGV:
      return "SIGSEGV";
    case SIGBUS:
      return "SIGBUS";
    case SIGFPE:
      return "SIGFPE";
    default:
      return "SIGILL";
  }
}

void put_back() noexcept {
  for (std::size_t at = 0; at < signals.size(); ++at) ::sigaction(signals[at], &before[at], nullptr);
}

/// What the processor raised it raises again when this returns; what was sent has to be sent again (sigaction(2),
/// si_code: above 0 where the kernel is the sender).
void on_signal(int signal, siginfo_t* info, void*) {
  say_it(name_of(signal));
  put_back();
  if (signal == SIGABRT || info->si_code <= 0) ::raise(signal);
}

}  // namespace

void catch_crashes(void (*say)(std::string_view) noexcept) noexcept {
  say_it = say;
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO;
  ::sigemptyset(&action.sa_mask);
  for (std::size_t at = 0; at < signals.size(); ++at) ::sigaction(signals[at], &action, &before[at]);
}

void let_crashes_be() noexcept {
  put_back();
}

void write_to_error_output(std::string_view text) noexcept {
  while (!text.empty()) {
    const ::ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace iocpp::simulator

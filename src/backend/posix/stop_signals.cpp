#include "backend/stop_signals.hpp"

#include <signal.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>

#include "iocpp/error.hpp"

namespace iocpp::backend {
namespace {

struct Receiver {
  StopSignals::Stop stop = nullptr;
  void* context = nullptr;
};

constexpr std::array signals{SIGINT, SIGTERM};
std::array<struct sigaction, signals.size()> earlier;
std::atomic<bool> taken{false};
Receiver chosen;  // written only while `receiver` is null and no handler runs
std::atomic<const Receiver*> receiver{nullptr};
std::atomic<int> received{0};
std::atomic<int> running{0};

extern "C" void iocpp_on_stop_signal(int) {
  const int error = errno;
  // Counted before the receiver is looked at: whoever takes it away waits for the count.
  running.fetch_add(1);
  if (const Receiver* now = receiver.load(); now != nullptr)
    now->stop(now->context, received.fetch_add(1) + 1, StopSignals::unlimited);
  running.fetch_sub(1);
  errno = error;
}

}  // namespace

StopSignals::StopSignals(Stop stop, void* context) {
  if (taken.exchange(true))
    throw std::system_error(make_error_code(errc::invalid_argument), "another server of this process is in run()");
  chosen = {stop, context};
  received = 0;
  receiver = &chosen;
  struct sigaction action {};
  action.sa_handler = iocpp_on_stop_signal;
  action.sa_flags = SA_RESTART;
  for (std::size_t at = 0; at < signals.size(); ++at) ::sigaction(signals[at], &action, &earlier[at]);
}

StopSignals::~StopSignals() {
  for (std::size_t at = 0; at < signals.size(); ++at) ::sigaction(signals[at], &earlier[at], nullptr);
  receiver = nullptr;
  while (running.load() != 0) {
  }  // a handler that another thread is in the middle of: a few instructions
  taken = false;
}

}  // namespace iocpp::backend

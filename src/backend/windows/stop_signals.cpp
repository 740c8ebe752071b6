#include "backend/stop_signals.hpp"

#include <windows.h>

#include <system_error>

#include "iocpp/error.hpp"

namespace iocpp::backend {
namespace {

// When a console is closed, Windows ends its processes 5 s after the event, or as soon as their control handlers have
// returned (Microsoft: "HandlerRoutine callback function"). The drain gets 4 s, the rest of `main` what is left.
constexpr std::chrono::milliseconds drain_at_most{4000};
constexpr DWORD end_after_ms = 4800;

// Trivial, so that a control handler may use them whatever the process has destroyed by then.
SRWLOCK lock = SRWLOCK_INIT;
StopSignals::Stop receiver = nullptr;
void* receiver_context = nullptr;
int received = 0;

class Locked {
 public:
  Locked() noexcept { ::AcquireSRWLockExclusive(&lock); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  ~Locked() { ::ReleaseSRWLockExclusive(&lock); }
};

/// False: nobody is there to be told.
bool tell(std::chrono::milliseconds at_most) noexcept {
  const Locked locked;
  if (receiver == nullptr) return false;
  receiver(receiver_context, ++received, at_most);
  return true;
}

/// Services, and only they, are in session 0 ("Service Changes for Windows Vista").
bool is_service() noexcept {
  DWORD session = 0;
  return ::ProcessIdToSessionId(::GetCurrentProcessId(), &session) != 0 && session == 0;
}

/// The process is about to be ended, and not before this returns. It ends earlier when `main` has returned.
BOOL drain_then_end() noexcept {
  if (!tell(drain_at_most)) return FALSE;
  ::Sleep(end_after_ms);
  return TRUE;
}

}  // namespace

/// On a thread of its own, which the system makes. It has a name for the tests: nothing can close a console on demand.
extern "C" BOOL WINAPI iocpp_on_console_event(DWORD event) {
  switch (event) {
    case CTRL_C_EVENT:
    case CTRL_BREAK_EVENT:
      return tell(StopSignals::unlimited) ? TRUE : FALSE;
    case CTRL_LOGOFF_EVENT:
      // A service is told of every user who leaves, and goes on.
      return is_service() ? TRUE : drain_then_end();
    case CTRL_CLOSE_EVENT:
    case CTRL_SHUTDOWN_EVENT:
      return drain_then_end();
    default:
      return FALSE;
  }
}

StopSignals::StopSignals(Stop stop, void* context) {
  {
    const Locked locked;
    if (receiver != nullptr)
      throw std::system_error(make_error_code(errc::invalid_argument), "another server of this process is in run()");
    receiver = stop;
    receiver_context = context;
    received = 0;
  }
  ::SetConsoleCtrlHandler(iocpp_on_console_event, TRUE);
}

StopSignals::~StopSignals() {
  ::SetConsoleCtrlHandler(iocpp_on_console_event, FALSE);
  const Locked locked;  // a control handler that has begun is through with `context` then
  receiver = nullptr;
}

}  // namespace iocpp::backend

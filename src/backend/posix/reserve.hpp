// The handle that is given up for a moment at the handle limit, to answer a client.
#pragma once

#include "core/accept_outcome.hpp"
#include "engine/backend.hpp"

namespace iocpp::posix {

template <class Sys>
class Reserve {
 public:
  void open(Sys& sys) noexcept { handle_ = sys.open_reserve(); }

  /// `accept` accepts one client without waiting: its handle, or a negative errno.
  template <class Accept>
  engine::Shed shed(Sys& sys, Accept&& accept) noexcept {
    using engine::Shed;
    if (handle_ < 0) open(sys);
    if (handle_ < 0) return Shed::failed;
    sys.close_now(handle_);
    const int accepted = accept();
    if (accepted >= 0) sys.close_now(accepted);
    open(sys);
    if (accepted >= 0) return Shed::refused;
    // Shortage that is not the process's own (ENFILE, ENOMEM), or a lost listener, is no reason to poll again at once:
    // the client is still there.
    const bool of_one_client =
        core::classify_accept(core::Platform::linux_os, -accepted) == core::AcceptOutcome::drop_client;
    return of_one_client ? Shed::nobody : Shed::failed;
  }

  void close(Sys& sys) noexcept {
    if (handle_ >= 0) sys.close_now(handle_);
    handle_ = -1;
  }

 private:
  int handle_ = -1;
};

}  // namespace iocpp::posix

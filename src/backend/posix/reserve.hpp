// The handle that is given up for a moment at the handle limit, to answer a client.
#pragma once

#include "base/native_codes.hpp"
#include "engine/backend.hpp"

namespace iocpp::posix {

/// Part of a port. Lost where another thread takes the handle in that moment; the engine calls `keep` before the
/// next accept takes what has become free.
template <class Sys>
class Reserve {
 public:
  /// True: it is there, or could be opened.
  bool keep(Sys& sys) noexcept {
    if (handle_ < 0) handle_ = sys.open_reserve();
    return handle_ >= 0;
  }

  /// To be called when a client waits: given up for nobody, the handle would be another thread's for nothing.
  /// `accept` accepts one client without waiting: its handle, or a negative errno.
  template <class Accept>
  engine::Shed shed(Sys& sys, Accept&& accept) noexcept {
    using engine::Shed;
    if (!keep(sys)) return Shed::failed;
    close(sys);
    const int accepted = accept();
    if (accepted >= 0) {
      replace(sys, accepted);
      return Shed::refused;
    }
    keep(sys);
    // After anything else (a shortage that is not the process's own, a lost listener, EPERM) the client may still be
    // there, and a poll would fire at once.
    const bool gone = -accepted == linux_errno::again || -accepted == linux_errno::connaborted;
    return gone ? Shed::nobody : Shed::failed;
  }

  void close(Sys& sys) noexcept {
    if (handle_ >= 0) sys.close_now(handle_);
    handle_ = -1;
  }

 private:
  /// The client's handle becomes the reserve in the call that closes it: once the client has its answer, somebody else
  /// may want a handle.
  void replace(Sys& sys, int accepted) noexcept {
    if (sys.close_into_reserve(accepted) >= 0) {
      handle_ = accepted;
      return;
    }
    sys.close_now(accepted);
    keep(sys);
  }

  int handle_ = -1;
};

}  // namespace iocpp::posix

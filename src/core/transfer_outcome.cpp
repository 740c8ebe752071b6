#include "core/transfer_outcome.hpp"

#include "base/native_codes.hpp"

namespace iocpp::core {
namespace {

TransferOutcome classify_linux(int error) noexcept {
  using namespace linux_errno;
  switch (error) {
    case canceled:
      return TransferOutcome::cancelled;
    case again:
    case intr:
      return TransferOutcome::again;
    case nobufs:
    case nomem:
      return TransferOutcome::no_resources;
    case connreset:
    case pipe:
    case timedout:
    case notconn:
    case connaborted:
      return TransferOutcome::peer_reset;
    default:
      return TransferOutcome::failed;
  }
}

TransferOutcome classify_windows(int error) noexcept {
  using namespace windows_error;
  switch (error) {
    case operation_aborted:
      return TransferOutcome::cancelled;
    case wsaewouldblock:
      return TransferOutcome::again;
    case wsaenobufs:
    case not_enough_memory:
    case no_system_resources:
    case working_set_quota:
    case commitment_limit:
      return TransferOutcome::no_resources;
    case netname_deleted:
    case connection_aborted:
    case unexp_net_err:
    case sem_timeout:
    case wsaeconnaborted:
    case wsaeconnreset:
    case wsaenetreset:
    case wsaenotconn:
    case wsaetimedout:
      return TransferOutcome::peer_reset;
    default:
      return TransferOutcome::failed;
  }
}

}  // namespace

TransferOutcome classify_transfer(Platform platform, int error) noexcept {
  return platform == Platform::linux_os ? classify_linux(error) : classify_windows(error);
}

}  // namespace iocpp::core

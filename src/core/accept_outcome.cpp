#include "core/accept_outcome.hpp"

#include "base/native_codes.hpp"

namespace iocpp::core {
namespace {

AcceptOutcome classify_linux(int error) noexcept {
  using namespace linux_errno;
  switch (error) {
    case 0:
      return AcceptOutcome::accepted;
    case canceled:
      return AcceptOutcome::cancelled;
    case nobufs:
    case nomem:
    case nfile:
      return AcceptOutcome::retry_later;  // ENFILE is the whole system's limit: our reserve handle is no help there
    case mfile:
      return AcceptOutcome::no_handles;
    case badf:
    case notsock:
    case opnotsupp:
    case fault:
    case inval:
      return AcceptOutcome::listener_lost;  // EINVAL: not listening, accept(2)
    // ECONNABORTED, EPROTO, EPERM, ECONNRESET, ENOTCONN, EINTR, and the pending errors of the new socket that Linux
    // hands out as accept's own (accept(2): ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH), and
    // all that we do not know.
    default:
      return AcceptOutcome::drop_client;
  }
}

AcceptOutcome classify_windows(int error) noexcept {
  using namespace windows_error;
  switch (error) {
    case 0:
      return AcceptOutcome::accepted;
    case operation_aborted:
      return AcceptOutcome::cancelled;
    case wsaenobufs:
    case wsaemfile:
    case not_enough_memory:
    case no_system_resources:
    case working_set_quota:
    case commitment_limit:
      return AcceptOutcome::retry_later;  // there is no handle limit to shed at: all are the system's
    case wsaenotsock:
    case invalid_handle:
    case wsaeopnotsupp:
    case wsaefault:
    case wsaeinval:
      return AcceptOutcome::listener_lost;  // 10022: not listening, AcceptEx
    // 64, 59 (Wine), 1236, 10054, 10053, 10057 from SO_UPDATE_ACCEPT_CONTEXT, 121, and all that we do not know.
    default:
      return AcceptOutcome::drop_client;
  }
}

}  // namespace

AcceptOutcome classify_accept(Platform platform, int error) noexcept {
  return platform == Platform::linux_os ? classify_linux(error) : classify_windows(error);
}

bool client_has_left(Platform platform, int error) noexcept {
  if (platform == Platform::linux_os) {
    using namespace linux_errno;
    return error == connaborted || error == connreset || error == notconn || error == proto;
  }
  using namespace windows_error;
  switch (error) {
    case netname_deleted:
    case unexp_net_err:
    case connection_aborted:
    case wsaeconnaborted:
    case wsaeconnreset:
    case wsaenotconn:
      return true;
    default:
      return false;
  }
}

bool handle_is_gone(Platform platform, int error) noexcept {
  if (platform == Platform::linux_os) return error == linux_errno::badf || error == linux_errno::notsock;
  return error == windows_error::wsaenotsock || error == windows_error::invalid_handle;
}

std::string_view to_string(AcceptOutcome outcome) noexcept {
  switch (outcome) {
    case AcceptOutcome::accepted:
      return "accepted";
    case AcceptOutcome::cancelled:
      return "cancelled";
    case AcceptOutcome::drop_client:
      return "drop this client";
    case AcceptOutcome::retry_later:
      return "retry later";
    case AcceptOutcome::no_handles:
      return "shed";
    case AcceptOutcome::listener_lost:
      return "listener lost";
    case AcceptOutcome::multishot_refused:
      return "multishot refused";
  }
  return "";
}

}  // namespace iocpp::core

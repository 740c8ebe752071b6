// The systems' names for their error numbers, of all that a fault may have; each system's, wherever this runs.
#include <algorithm>
#include <span>

#include "base/native_codes.hpp"
#include "simulate.hpp"

namespace {

namespace lx = iocpp::linux_errno;
namespace win = iocpp::windows_error;

struct ErrorName {
  int number;
  std::string_view name;
};

constexpr ErrorName linux_names[]{{lx::perm, "EPERM"},
                                  {lx::intr, "EINTR"},
                                  {lx::badf, "EBADF"},
                                  {lx::again, "EAGAIN"},
                                  {lx::nomem, "ENOMEM"},
                                  {lx::busy, "EBUSY"},
                                  {lx::inval, "EINVAL"},
                                  {lx::nfile, "ENFILE"},
                                  {lx::mfile, "EMFILE"},
                                  {lx::pipe, "EPIPE"},
                                  {lx::nonet, "ENONET"},
                                  {lx::proto, "EPROTO"},
                                  {lx::noprotoopt, "ENOPROTOOPT"},
                                  {lx::opnotsupp, "EOPNOTSUPP"},
                                  {lx::addrinuse, "EADDRINUSE"},
                                  {lx::netdown, "ENETDOWN"},
                                  {lx::netunreach, "ENETUNREACH"},
                                  {lx::connaborted, "ECONNABORTED"},
                                  {lx::connreset, "ECONNRESET"},
                                  {lx::nobufs, "ENOBUFS"},
                                  {lx::notconn, "ENOTCONN"},
                                  {lx::timedout, "ETIMEDOUT"},
                                  {lx::hostdown, "EHOSTDOWN"},
                                  {lx::hostunreach, "EHOSTUNREACH"},
                                  {lx::already, "EALREADY"},
                                  {lx::canceled, "ECANCELED"}};

constexpr ErrorName windows_names[]{{win::not_enough_memory, "ERROR_NOT_ENOUGH_MEMORY"},
                                    {win::unexp_net_err, "ERROR_UNEXP_NET_ERR"},
                                    {win::netname_deleted, "ERROR_NETNAME_DELETED"},
                                    {win::sem_timeout, "ERROR_SEM_TIMEOUT"},
                                    {win::operation_aborted, "ERROR_OPERATION_ABORTED"},
                                    {win::connection_aborted, "ERROR_CONNECTION_ABORTED"},
                                    {win::no_system_resources, "ERROR_NO_SYSTEM_RESOURCES"},
                                    {win::wsaeinval, "WSAEINVAL"},
                                    {win::wsaemfile, "WSAEMFILE"},
                                    {win::wsaenotsock, "WSAENOTSOCK"},
                                    {win::wsaeaddrinuse, "WSAEADDRINUSE"},
                                    {win::wsaeconnaborted, "WSAECONNABORTED"},
                                    {win::wsaeconnreset, "WSAECONNRESET"},
                                    {win::wsaenobufs, "WSAENOBUFS"},
                                    {win::wsaenotconn, "WSAENOTCONN"}};

}  // namespace

std::string_view error_name(const iocpp::simulator::Cell& cell) noexcept {
  using Names = std::span<const ErrorName>;
  const Names names = cell.system == iocpp::simulator::System::iocp ? Names{windows_names} : Names{linux_names};
  const auto found = std::ranges::find(names, cell.error, &ErrorName::number);
  return found == names.end() ? std::string_view{} : found->name;
}

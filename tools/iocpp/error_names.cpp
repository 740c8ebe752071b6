// The systems' names for their error numbers, of all that a fault may have; each system's, wherever this runs
// (asm-generic/errno.h, winerror.h).
#include <algorithm>
#include <span>

#include "simulate.hpp"

namespace {

struct ErrorName {
  int number;
  std::string_view name;
};

// Not the macros: the other system has none of them.
constexpr ErrorName linux_names[]{
    {1, "EPERM"},      {4, "EINTR"},         {9, "EBADF"},          {11, "EAGAIN"},        {12, "ENOMEM"},
    {16, "EBUSY"},     {22, "EINVAL"},       {23, "ENFILE"},        {24, "EMFILE"},        {32, "EPIPE"},
    {64, "ENONET"},    {71, "EPROTO"},       {92, "ENOPROTOOPT"},   {95, "EOPNOTSUPP"},    {98, "EADDRINUSE"},
    {100, "ENETDOWN"}, {101, "ENETUNREACH"}, {103, "ECONNABORTED"}, {104, "ECONNRESET"},   {105, "ENOBUFS"},
    {107, "ENOTCONN"}, {110, "ETIMEDOUT"},   {112, "EHOSTDOWN"},    {113, "EHOSTUNREACH"}, {114, "EALREADY"},
    {125, "ECANCELED"}};

constexpr ErrorName windows_names[]{{8, "ERROR_NOT_ENOUGH_MEMORY"},
                                    {59, "ERROR_UNEXP_NET_ERR"},
                                    {64, "ERROR_NETNAME_DELETED"},
                                    {121, "ERROR_SEM_TIMEOUT"},
                                    {995, "ERROR_OPERATION_ABORTED"},
                                    {1236, "ERROR_CONNECTION_ABORTED"},
                                    {1450, "ERROR_NO_SYSTEM_RESOURCES"},
                                    {10022, "WSAEINVAL"},
                                    {10024, "WSAEMFILE"},
                                    {10038, "WSAENOTSOCK"},
                                    {10048, "WSAEADDRINUSE"},
                                    {10053, "WSAECONNABORTED"},
                                    {10054, "WSAECONNRESET"},
                                    {10055, "WSAENOBUFS"},
                                    {10057, "WSAENOTCONN"}};

}  // namespace

std::string_view error_name(const iocpp::simulator::Cell& cell) noexcept {
  using Names = std::span<const ErrorName>;
  const Names names = cell.system == iocpp::simulator::System::iocp ? Names{windows_names} : Names{linux_names};
  const auto found = std::ranges::find(names, cell.error, &ErrorName::number);
  return found == names.end() ? std::string_view{} : found->name;
}

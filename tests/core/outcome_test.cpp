// The tables that say what each error of each system means: for accepts, and for receives and sends.
#include <gtest/gtest.h>

#include <cerrno>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "base/native_codes.hpp"
#include "core/accept_outcome.hpp"
#include "core/transfer_outcome.hpp"

namespace iocpp::core {
namespace {

constexpr Platform on_linux = Platform::linux_os;
constexpr Platform on_windows = Platform::windows_os;

template <class Outcome>
struct Row {
  Platform platform;
  int error;
  Outcome outcome;
};

template <class Outcome>
std::string name_of(const testing::TestParamInfo<Row<Outcome>>& row) {
  return (row.param.platform == on_linux ? "linux_" : "windows_") + std::to_string(row.param.error);
}

using AcceptRow = Row<AcceptOutcome>;
using TransferRow = Row<TransferOutcome>;

template <class Outcome>
std::vector<Row<Outcome>> rows(Platform platform, Outcome outcome, std::initializer_list<int> errors) {
  std::vector<Row<Outcome>> all;
  for (const int error : errors) all.push_back({platform, error, outcome});
  return all;
}

// The numbers are written out, not named: a wrong name in the table must not hide behind the same wrong name here.

class AcceptTable : public testing::TestWithParam<AcceptRow> {};

TEST_P(AcceptTable, classifies) {
  EXPECT_EQ(classify_accept(GetParam().platform, GetParam().error), GetParam().outcome)
      << to_string(classify_accept(GetParam().platform, GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(Success, AcceptTable,
                         testing::Values(AcceptRow{on_linux, 0, AcceptOutcome::accepted},
                                         AcceptRow{on_windows, 0, AcceptOutcome::accepted}),
                         name_of<AcceptOutcome>);

INSTANTIATE_TEST_SUITE_P(Cancelled, AcceptTable,
                         testing::Values(AcceptRow{on_linux, 125, AcceptOutcome::cancelled},
                                         AcceptRow{on_windows, 995, AcceptOutcome::cancelled}),
                         name_of<AcceptOutcome>);

// ECONNABORTED, EPROTO, ECONNRESET, ENOTCONN, EPERM, EINTR, EAGAIN, ETIMEDOUT, ENETDOWN, ENOPROTOOPT, EHOSTDOWN,
// ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH.
INSTANTIATE_TEST_SUITE_P(LinuxDropClient, AcceptTable,
                         testing::ValuesIn(rows(on_linux, AcceptOutcome::drop_client,
                                                {103, 71, 104, 107, 1, 4, 11, 110, 100, 92, 112, 64, 113, 101})),
                         name_of<AcceptOutcome>);

// ENOBUFS, ENOMEM, ENFILE.
INSTANTIATE_TEST_SUITE_P(LinuxRetryLater, AcceptTable,
                         testing::ValuesIn(rows(on_linux, AcceptOutcome::retry_later, {105, 12, 23})),
                         name_of<AcceptOutcome>);

// EMFILE.
INSTANTIATE_TEST_SUITE_P(LinuxNoHandles, AcceptTable,
                         testing::ValuesIn(rows(on_linux, AcceptOutcome::no_handles, {24})), name_of<AcceptOutcome>);

// EBADF, ENOTSOCK, EOPNOTSUPP, EFAULT, EINVAL.
INSTANTIATE_TEST_SUITE_P(LinuxListenerLost, AcceptTable,
                         testing::ValuesIn(rows(on_linux, AcceptOutcome::listener_lost, {9, 88, 95, 14, 22})),
                         name_of<AcceptOutcome>);

INSTANTIATE_TEST_SUITE_P(
    LinuxUnknown, AcceptTable,
    testing::ValuesIn(rows(on_linux, AcceptOutcome::drop_client,
                           {2, 5, 28, 62, 111, 133, 512, 4095, 10057, std::numeric_limits<int>::max(), -1,
                            std::numeric_limits<int>::min()})),
    [](const auto& row) { return "code_" + std::to_string(static_cast<unsigned>(row.param.error)); });

// 10057 from SO_UPDATE_ACCEPT_CONTEXT, which deafened the ancestor; 10054, 10053, 64, 59 (Wine), 1236, 121.
INSTANTIATE_TEST_SUITE_P(WindowsDropClient, AcceptTable,
                         testing::ValuesIn(rows(on_windows, AcceptOutcome::drop_client,
                                                {10057, 10054, 10053, 64, 59, 1236, 121})),
                         name_of<AcceptOutcome>);

// WSAENOBUFS, WSAEMFILE, ERROR_NOT_ENOUGH_MEMORY, ERROR_NO_SYSTEM_RESOURCES, ERROR_WORKING_SET_QUOTA,
// ERROR_COMMITMENT_LIMIT.
INSTANTIATE_TEST_SUITE_P(WindowsRetryLater, AcceptTable,
                         testing::ValuesIn(rows(on_windows, AcceptOutcome::retry_later,
                                                {10055, 10024, 8, 1450, 1453, 1455})),
                         name_of<AcceptOutcome>);

// WSAENOTSOCK, ERROR_INVALID_HANDLE, WSAEINVAL, WSAEOPNOTSUPP, WSAEFAULT.
INSTANTIATE_TEST_SUITE_P(WindowsListenerLost, AcceptTable,
                         testing::ValuesIn(rows(on_windows, AcceptOutcome::listener_lost,
                                                {10038, 6, 10022, 10045, 10014})),
                         name_of<AcceptOutcome>);

INSTANTIATE_TEST_SUITE_P(
    WindowsUnknown, AcceptTable,
    testing::ValuesIn(rows(on_windows, AcceptOutcome::drop_client,
                           {1, 24, 105, 1168, 10060, 11001, 99999, std::numeric_limits<int>::max(), -1})),
    [](const auto& row) { return "code_" + std::to_string(static_cast<unsigned>(row.param.error)); });

TEST(AcceptTable, no_code_ends_the_chain_by_itself) {
  for (const Platform platform : {on_linux, on_windows}) {
    for (int error = 1; error < 20'000; ++error) {
      const AcceptOutcome outcome = classify_accept(platform, error);
      EXPECT_NE(outcome, AcceptOutcome::accepted);
      EXPECT_NE(outcome, AcceptOutcome::multishot_refused);
    }
  }
}

TEST(AcceptTable, only_the_codes_that_deny_the_handle_forbid_to_close_it) {
  for (int error = 0; error < 20'000; ++error) {
    EXPECT_EQ(handle_is_gone(on_linux, error), error == 9 || error == 88);
    EXPECT_EQ(handle_is_gone(on_windows, error), error == 6 || error == 10038);
    if (handle_is_gone(on_linux, error)) {
      EXPECT_EQ(classify_accept(on_linux, error), AcceptOutcome::listener_lost);
    }
    if (handle_is_gone(on_windows, error)) {
      EXPECT_EQ(classify_accept(on_windows, error), AcceptOutcome::listener_lost);
    }
  }
}

TEST(AcceptTable, each_class_has_a_name) {
  std::set<std::string_view> names;
  for (int value = 0; value <= static_cast<int>(AcceptOutcome::multishot_refused); ++value) {
    names.insert(to_string(static_cast<AcceptOutcome>(value)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(AcceptOutcome::multishot_refused) + 1);
  EXPECT_FALSE(names.contains(""));
}

class TransferTable : public testing::TestWithParam<TransferRow> {};

TEST_P(TransferTable, classifies) {
  EXPECT_EQ(classify_transfer(GetParam().platform, GetParam().error), GetParam().outcome);
}

INSTANTIATE_TEST_SUITE_P(Cancelled, TransferTable,
                         testing::Values(TransferRow{on_linux, 125, TransferOutcome::cancelled},
                                         TransferRow{on_windows, 995, TransferOutcome::cancelled}),
                         name_of<TransferOutcome>);

// EAGAIN, EINTR; WSAEWOULDBLOCK.
INSTANTIATE_TEST_SUITE_P(LinuxAgain, TransferTable, testing::ValuesIn(rows(on_linux, TransferOutcome::again, {11, 4})),
                         name_of<TransferOutcome>);
INSTANTIATE_TEST_SUITE_P(WindowsAgain, TransferTable,
                         testing::ValuesIn(rows(on_windows, TransferOutcome::again, {10035})),
                         name_of<TransferOutcome>);

// ENOBUFS, ENOMEM: never the end of a stream.
INSTANTIATE_TEST_SUITE_P(LinuxNoResources, TransferTable,
                         testing::ValuesIn(rows(on_linux, TransferOutcome::no_resources, {105, 12})),
                         name_of<TransferOutcome>);
INSTANTIATE_TEST_SUITE_P(WindowsNoResources, TransferTable,
                         testing::ValuesIn(rows(on_windows, TransferOutcome::no_resources,
                                                {10055, 8, 1450, 1453, 1455})),
                         name_of<TransferOutcome>);

// ECONNRESET, EPIPE, ETIMEDOUT, ENOTCONN, ECONNABORTED.
INSTANTIATE_TEST_SUITE_P(LinuxPeerReset, TransferTable,
                         testing::ValuesIn(rows(on_linux, TransferOutcome::peer_reset, {104, 32, 110, 107, 103})),
                         name_of<TransferOutcome>);
// 64, 1236, 59, 121, WSAECONNABORTED, WSAECONNRESET, WSAENETRESET, WSAENOTCONN, WSAETIMEDOUT.
INSTANTIATE_TEST_SUITE_P(WindowsPeerReset, TransferTable,
                         testing::ValuesIn(rows(on_windows, TransferOutcome::peer_reset,
                                                {64, 1236, 59, 121, 10053, 10054, 10052, 10057, 10060})),
                         name_of<TransferOutcome>);

// EHOSTUNREACH, ENETDOWN, EBADF, EINVAL, EFAULT and an unknown one.
INSTANTIATE_TEST_SUITE_P(LinuxFailed, TransferTable,
                         testing::ValuesIn(rows(on_linux, TransferOutcome::failed, {113, 100, 9, 22, 14, 9999})),
                         name_of<TransferOutcome>);
INSTANTIATE_TEST_SUITE_P(WindowsFailed, TransferTable,
                         testing::ValuesIn(rows(on_windows, TransferOutcome::failed,
                                                {6, 10038, 10022, 10014, 104, 99999})),
                         name_of<TransferOutcome>);

#ifndef _WIN32
TEST(NativeCodes, are_those_of_the_system_that_we_run_on) {
  using namespace linux_errno;
  const std::vector<std::pair<int, int>> pairs{{perm, EPERM},
                                               {intr, EINTR},
                                               {badf, EBADF},
                                               {again, EAGAIN},
                                               {nomem, ENOMEM},
                                               {acces, EACCES},
                                               {fault, EFAULT},
                                               {inval, EINVAL},
                                               {nfile, ENFILE},
                                               {mfile, EMFILE},
                                               {pipe, EPIPE},
                                               {proto, EPROTO},
                                               {notsock, ENOTSOCK},
                                               {noprotoopt, ENOPROTOOPT},
                                               {opnotsupp, EOPNOTSUPP},
                                               {afnosupport, EAFNOSUPPORT},
                                               {addrinuse, EADDRINUSE},
                                               {addrnotavail, EADDRNOTAVAIL},
                                               {netdown, ENETDOWN},
                                               {netunreach, ENETUNREACH},
                                               {netreset, ENETRESET},
                                               {connaborted, ECONNABORTED},
                                               {connreset, ECONNRESET},
                                               {nobufs, ENOBUFS},
                                               {notconn, ENOTCONN},
                                               {linux_errno::shutdown, ESHUTDOWN},
                                               {timedout, ETIMEDOUT},
                                               {connrefused, ECONNREFUSED},
                                               {hostdown, EHOSTDOWN},
                                               {hostunreach, EHOSTUNREACH},
                                               {nonet, ENONET},
                                               {canceled, ECANCELED},
                                               {nosys, ENOSYS},
                                               {linux_errno::time, ETIME},
                                               {busy, EBUSY}};
  for (const auto& [own, system] : pairs) EXPECT_EQ(own, system);
}
#endif

}  // namespace
}  // namespace iocpp::core

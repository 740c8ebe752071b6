#include "backend/iocp/sys.hpp"

#include <winsock2.h>
#include <ws2tcpip.h>
// After Winsock, on whose types they depend.
#include <mstcpip.h>
#include <mswsock.h>
#include <windows.h>
#include <winternl.h>

#include <chrono>
#include <system_error>
#include <vector>

#include "backend/windows/socket_address.hpp"
#include "backend/windows/winsock.hpp"
#include "base/native_codes.hpp"
#include "iocpp/error.hpp"

namespace iocpp::iocp {

static_assert(sizeof(kernel::Overlapped) == sizeof(OVERLAPPED) && alignof(kernel::Overlapped) >= alignof(OVERLAPPED));
static_assert(offsetof(kernel::Overlapped, status) == offsetof(OVERLAPPED, Internal));
static_assert(offsetof(kernel::Overlapped, event) == offsetof(OVERLAPPED, hEvent));
static_assert(sizeof(kernel::Buffer) == sizeof(WSABUF) && offsetof(kernel::Buffer, bytes) == offsetof(WSABUF, buf));
static_assert(sizeof(kernel::Entry) == sizeof(OVERLAPPED_ENTRY));
static_assert(offsetof(kernel::Entry, overlapped) == offsetof(OVERLAPPED_ENTRY, lpOverlapped));
static_assert(offsetof(kernel::Entry, bytes) == offsetof(OVERLAPPED_ENTRY, dwNumberOfBytesTransferred));
static_assert(kernel::address_bytes >= sizeof(SOCKADDR_IN6) + 16);
static_assert(kernel::io_pending == WSA_IO_PENDING && kernel::wait_timeout == WAIT_TIMEOUT);
static_assert(kernel::invalid_parameter == ERROR_INVALID_PARAMETER);
static_assert(windows_error::wsaewouldblock == WSAEWOULDBLOCK &&
              windows_error::operation_aborted == WSA_OPERATION_ABORTED);

namespace {

SOCKET socket_of(NativeHandle handle) noexcept {
  return static_cast<SOCKET>(handle);
}

HANDLE handle_of(NativeHandle handle) noexcept {
  return reinterpret_cast<HANDLE>(handle);
}

OVERLAPPED* native(kernel::Overlapped* overlapped) noexcept {
  return reinterpret_cast<OVERLAPPED*>(overlapped);
}

int error_unless(BOOL done) noexcept {
  return done ? 0 : static_cast<int>(::GetLastError());
}

/// Of a Winsock call that answers 0 for success.
int error_of_call(int result) noexcept {
  return result == 0 ? 0 : ::WSAGetLastError();
}

template <class Value>
int set(NativeHandle socket, int level, int name, const Value& value) noexcept {
  return error_of_call(
      ::setsockopt(socket_of(socket), level, name, reinterpret_cast<const char*>(&value), sizeof value));
}

HANDLE make_port() {
  if (const int error = windows::start_winsock(); error != 0)
    throw std::system_error(native_error(error), "WSAStartup");
  HANDLE port = ::CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1);
  if (port == nullptr)
    throw std::system_error(native_error(static_cast<int>(::GetLastError())), "CreateIoCompletionPort");
  return port;
}

}  // namespace

Sys::Sys() : port_{make_port()} {}

Sys::~Sys() {
  ::CloseHandle(port_);
}

int Sys::associate(NativeHandle socket) noexcept {
  return error_unless(::CreateIoCompletionPort(handle_of(socket), port_, 0, 0) != nullptr);
}

int Sys::wait(std::span<kernel::Entry> entries, std::uint32_t& count, std::uint32_t milliseconds) noexcept {
  ULONG taken = 0;
  const BOOL some = ::GetQueuedCompletionStatusEx(port_, reinterpret_cast<OVERLAPPED_ENTRY*>(entries.data()),
                                                  static_cast<ULONG>(entries.size()), &taken, milliseconds, FALSE);
  count = taken;
  return error_unless(some);
}

int Sys::post_wake() noexcept {
  return error_unless(::PostQueuedCompletionStatus(port_, 0, 0, nullptr));
}

bool Sys::provider_has_system_handles() const noexcept {
  int protocols[] = {IPPROTO_TCP, 0};
  DWORD bytes = 0;
  ::WSAEnumProtocolsW(protocols, nullptr, &bytes);  // says how many bytes it takes
  std::vector<WSAPROTOCOL_INFOW> providers(bytes / sizeof(WSAPROTOCOL_INFOW) + 1);
  bytes = static_cast<DWORD>(providers.size() * sizeof(WSAPROTOCOL_INFOW));
  const int count = ::WSAEnumProtocolsW(protocols, providers.data(), &bytes);
  bool all = count > 0;
  for (int at = 0; at < count; ++at)
    all = all && (providers[static_cast<std::size_t>(at)].dwServiceFlags1 & XP1_IFS_HANDLES) != 0;
  return all;
}

int Sys::skip_packet_on_success(NativeHandle socket) noexcept {
  return error_unless(::SetFileCompletionNotificationModes(handle_of(socket), FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
}

/// The status as the Win32 error of the same meaning (64, 1236, 995, ...): no socket is needed, which may be closed by
/// now.
int Sys::error_of(const kernel::Overlapped& ended) noexcept {
  return static_cast<int>(::RtlNtStatusToDosError(static_cast<NTSTATUS>(ended.status)));
}

int Sys::family_of(NativeHandle listener, int& family) noexcept {
  sockaddr_storage address{};
  int length = sizeof address;
  const int result = ::getsockname(socket_of(listener), reinterpret_cast<sockaddr*>(&address), &length);
  family = address.ss_family;
  return error_of_call(result);
}

/// mswsock's own AcceptEx asks for this at each call.
int Sys::find_accept(NativeHandle listener) noexcept {
  GUID which = WSAID_ACCEPTEX;
  DWORD bytes = 0;
  return error_of_call(::WSAIoctl(socket_of(listener), SIO_GET_EXTENSION_FUNCTION_POINTER, &which, sizeof which,
                                  &accept_, sizeof accept_, &bytes, nullptr, nullptr));
}

NativeHandle Sys::make_socket(int family, int& error) noexcept {
  const SOCKET made =
      ::WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  error = made == INVALID_SOCKET ? ::WSAGetLastError() : 0;
  return static_cast<NativeHandle>(made);
}

int Sys::accept(NativeHandle listener, NativeHandle socket, std::byte* addresses,
                kernel::Overlapped& overlapped) noexcept {
  DWORD received = 0;  // none: no data is waited for, so a client that says nothing holds no accept
  const BOOL done = reinterpret_cast<LPFN_ACCEPTEX>(accept_)(socket_of(listener), socket_of(socket), addresses, 0,
                                                             kernel::address_bytes, kernel::address_bytes, &received,
                                                             native(&overlapped));
  return done ? 0 : ::WSAGetLastError();
}

int Sys::update_accept_context(NativeHandle socket, NativeHandle listener) noexcept {
  return set(socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, socket_of(listener));
}

NativeHandle Sys::accept_now(NativeHandle listener, int& error) noexcept {
  const SOCKET accepted = ::accept(socket_of(listener), nullptr, nullptr);
  error = accepted == INVALID_SOCKET ? ::WSAGetLastError() : 0;
  if (accepted != INVALID_SOCKET) ::SetHandleInformation(reinterpret_cast<HANDLE>(accepted), HANDLE_FLAG_INHERIT, 0);
  return static_cast<NativeHandle>(accepted);
}

int Sys::receive(NativeHandle socket, std::span<std::byte> room, std::uint32_t* received,
                 kernel::Overlapped& overlapped) noexcept {
  char nothing = 0;
  char* bytes = room.empty() ? &nothing : reinterpret_cast<char*>(room.data());
  WSABUF buffer{.len = static_cast<ULONG>(room.size()), .buf = bytes};
  DWORD flags = 0;
  return error_of_call(::WSARecv(socket_of(socket), &buffer, 1, reinterpret_cast<DWORD*>(received), &flags,
                                 native(&overlapped), nullptr));
}

int Sys::receive_now(NativeHandle socket, std::span<std::byte> room, std::uint32_t& received) noexcept {
  const int result = ::recv(socket_of(socket), reinterpret_cast<char*>(room.data()), static_cast<int>(room.size()), 0);
  received = result > 0 ? static_cast<std::uint32_t>(result) : 0;
  return result < 0 ? ::WSAGetLastError() : 0;
}

int Sys::send(NativeHandle socket, std::span<const kernel::Buffer> buffers, std::uint32_t* sent,
              kernel::Overlapped& overlapped) noexcept {
  static_assert(sizeof(DWORD) == sizeof *sent);
  auto* list = reinterpret_cast<WSABUF*>(const_cast<kernel::Buffer*>(buffers.data()));
  return error_of_call(::WSASend(socket_of(socket), list, static_cast<DWORD>(buffers.size()),
                                 reinterpret_cast<DWORD*>(sent), 0, native(&overlapped), nullptr));
}

int Sys::cancel(NativeHandle socket, kernel::Overlapped* overlapped) noexcept {
  return error_unless(::CancelIoEx(handle_of(socket), native(overlapped)));
}

int Sys::set_nonblocking(NativeHandle socket) noexcept {
  u_long on = 1;
  return error_of_call(::ioctlsocket(socket_of(socket), static_cast<long>(FIONBIO), &on));
}

int Sys::set_nodelay(NativeHandle socket) noexcept {
  return set(socket, IPPROTO_TCP, TCP_NODELAY, BOOL{TRUE});
}

int Sys::set_keepalive(NativeHandle socket, std::uint32_t idle_seconds) noexcept {
  tcp_keepalive wanted{.onoff = 1, .keepalivetime = idle_seconds * 1000, .keepaliveinterval = 1000};
  DWORD bytes = 0;
  return error_of_call(
      ::WSAIoctl(socket_of(socket), SIO_KEEPALIVE_VALS, &wanted, sizeof wanted, nullptr, 0, &bytes, nullptr, nullptr));
}

int Sys::set_receive_buffer(NativeHandle socket, int bytes) noexcept {
  return set(socket, SOL_SOCKET, SO_RCVBUF, bytes);
}

int Sys::set_send_buffer(NativeHandle socket, int bytes) noexcept {
  return set(socket, SOL_SOCKET, SO_SNDBUF, bytes);
}

void Sys::end_stream(NativeHandle socket) noexcept {
  ::shutdown(socket_of(socket), SD_SEND);
}

void Sys::reset_on_close(NativeHandle socket) noexcept {
  set(socket, SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0});
}

void Sys::close_now(NativeHandle socket) noexcept {
  ::closesocket(socket_of(socket));
}

TimePoint Sys::now() const noexcept {
  return TimePoint{std::chrono::steady_clock::now().time_since_epoch()};
}

void Sys::pause() noexcept {
  ::Sleep(1);
}

int Sys::peer_name(NativeHandle socket, Address& address) noexcept {
  return windows::peer_name(socket_of(socket), address);
}

}  // namespace iocpp::iocp

#include "backend/listening.hpp"

#include <winsock2.h>

#include <string>
#include <system_error>
#include <utility>

#include "backend/windows/socket_address.hpp"
#include "backend/windows/winsock.hpp"
#include "iocpp/error.hpp"

namespace iocpp::backend {
namespace {

/// A TCP socket for a completion port, which no child process inherits. Closed unless released.
class Socket {
 public:
  explicit Socket(int family) noexcept
      : handle_{::WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, nullptr, 0,
                             WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT)} {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (is_open()) ::closesocket(handle_);
  }
  bool is_open() const noexcept { return handle_ != INVALID_SOCKET; }
  SOCKET get() const noexcept { return handle_; }
  SOCKET release() noexcept { return std::exchange(handle_, INVALID_SOCKET); }

 private:
  SOCKET handle_;
};

bool set(SOCKET socket, int level, int name, int value) noexcept {
  return ::setsockopt(socket, level, name, reinterpret_cast<const char*>(&value), sizeof value) == 0;
}

/// A listening socket, or no_handle and the native error. What the sockets of clients are given is not set here: the
/// socket that AcceptEx is handed inherits nothing.
NativeHandle open_listener(const Address& address, bool ipv6_only, const Options& options, int& error) noexcept {
  error = windows::start_winsock();
  if (error != 0) return no_handle;
  const int family = address.family == Address::Family::ipv4 ? AF_INET : AF_INET6;
  Socket socket{family};
  sockaddr_storage native;
  const int length = windows::to_native(address, native);
  // SO_REUSEADDR lets another process take the port away here; SO_EXCLUSIVEADDRUSE bars that, and binding while old
  // connections are in TIME_WAIT works without either (Microsoft: "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE").
  const bool ready = socket.is_open() && set(socket.get(), SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1) &&
                     (family == AF_INET || set(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only ? 1 : 0)) &&
                     ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&native), length) == 0 &&
                     ::listen(socket.get(), options.backlog) == 0;
  error = ready ? 0 : ::WSAGetLastError();
  return ready ? static_cast<NativeHandle>(socket.release()) : no_handle;
}

std::string advice(int error) {
  switch (error) {
    case WSAEADDRINUSE:
      return "somebody listens there, another process or this program itself, or a connection has this number as its "
             "own port: stop it, wait, or choose "
             "another port";
    case WSAEADDRNOTAVAIL:
      return "not an address of this machine";
    case WSAEACCES:
      return "not allowed; another process may hold the port for itself, or Windows reserve it "
             "(netsh int ipv4 show excludedportrange tcp)";
    default:
      return "can't listen";
  }
}

[[noreturn]] void fail(const Address& address, int error) {
  throw std::system_error(native_error(error), "listen on " + address.to_string() + ": " + advice(error));
}

/// "Every address" is `::` with IPv4 mapped in; where the system has no IPv6, 0.0.0.0.
Address any_address(std::uint16_t port) noexcept {
  const bool has_ipv6 = windows::start_winsock() == 0 && Socket{AF_INET6}.is_open();
  return {.family = has_ipv6 ? Address::Family::ipv6 : Address::Family::ipv4, .port = port};
}

Address resolve(const Listen& where) {
  if (where.host.empty()) return any_address(where.port);
  Address address{.port = where.port};
  if (!windows::parse_host(where.host.c_str(), address)) {
    throw std::system_error(make_error_code(errc::invalid_argument),
                            "Listen::host '" + where.host + "': not a numeric IPv4 or IPv6 address, nor localhost");
  }
  return address;
}

}  // namespace

bool is_unix(const Listen& where) noexcept {
  return where.host.starts_with("unix:");
}

NativeHandle listen_on_unix_again(const Listen&, const Options&, FileIdentity&, int& error) noexcept {
  error = WSAEAFNOSUPPORT;
  return no_handle;
}

void remove_socket_file(const FileIdentity&) noexcept {}

ListeningSockets listen_on(const Listen& where, const Options& options, std::size_t count) {
  if (is_unix(where)) {
    throw std::system_error(make_error_code(errc::not_supported),
                            "Listen::host '" + where.host + "': no Unix sockets on Windows yet");
  }
  ListeningSockets made{.address = resolve(where), .handles = {}};
  if (count != 1) {
    throw std::system_error(make_error_code(errc::not_supported),
                            "Windows spreads no clients over several sockets of one address");
  }
  made.handles.reserve(count);
  int error = 0;
  const NativeHandle handle = open_listener(made.address, where.ipv6_only, options, error);
  if (handle == no_handle) fail(made.address, error);
  made.handles.push_back(handle);
  windows::local_name(static_cast<SOCKET>(handle), made.address);
  return made;
}

ListeningSockets inherit(const Listen&) {
  throw std::system_error(make_error_code(errc::not_supported),
                          "Listen::inherited: not on Windows, where a socket stays tied to its first port");
}

Address address_of(const Listen& where) {
  return resolve(where);
}

void make_own(const ListeningSockets&, const Options&) {}

bool is_ipv6_only(NativeHandle) noexcept {
  return false;
}

bool is_same_socket(NativeHandle one, NativeHandle other) noexcept {
  return one == other;
}

bool listens_on(NativeHandle, const Address&) noexcept {
  return false;
}

NativeHandle listen_again(const Address& address, bool ipv6_only, const Options& options, bool, int& error) noexcept {
  return open_listener(address, ipv6_only, options, error);
}

void close_socket(NativeHandle handle) noexcept {
  ::closesocket(static_cast<SOCKET>(handle));
}

/// Windows does not tell.
std::optional<AcceptQueue> accept_queue(NativeHandle) noexcept {
  return std::nullopt;
}
std::optional<AcceptDrops> accept_drops() {
  return std::nullopt;
}

std::size_t handle_limit() noexcept {
  // Windows has no limit that could be asked for (a process may have 16 million handles), but memory that cannot be
  // paged out, of which a socket takes some KiB: this many are safe on a machine of 4 GiB.
  return 131'072;
}

}  // namespace iocpp::backend

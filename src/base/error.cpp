#include "iocpp/error.hpp"

#include <string>
#include <utility>

#include "base/native_codes.hpp"
#include "base/native_system.hpp"

namespace iocpp {
namespace {

#ifdef _WIN32
constexpr NativeSystem own_system = NativeSystem::windows;
#else
constexpr NativeSystem own_system = NativeSystem::linux_os;
#endif
thread_local NativeSystem system_here = own_system;
thread_local NativeSystemScope* newest_scope = nullptr;

errc from_linux(int value) noexcept {
  using namespace linux_errno;
  switch (value) {
    case 0:
      return errc::success;
    case again:
      return errc::would_block;
    case timedout:
      return errc::timed_out;
    case canceled:
      return errc::cancelled;
    case connreset:
    case pipe:
      return errc::connection_reset;
    case connaborted:
      return errc::connection_aborted;
    case notconn:
      return errc::not_connected;
    case addrinuse:
      return errc::address_in_use;
    case addrnotavail:
      return errc::address_not_available;
    case acces:
    case perm:
      return errc::permission_denied;
    case mfile:
    case nfile:
      return errc::too_many_handles;
    case nobufs:
    case nomem:
      return errc::no_resources;
    case nosys:
    case opnotsupp:
    case afnosupport:
      return errc::not_supported;
    case badf:
    case notsock:
      return errc::bad_handle;
    case inval:
      return errc::invalid_argument;
    default:
      return errc::network;
  }
}

errc from_windows(int value) noexcept {
  using namespace windows_error;
  switch (value) {
    case 0:
      return errc::success;
    case wsaewouldblock:
      return errc::would_block;
    case wsaetimedout:
    case sem_timeout:
      return errc::timed_out;
    case operation_aborted:
      return errc::cancelled;
    case wsaeconnreset:
    case netname_deleted:
    case unexp_net_err:
    case connection_aborted:
      return errc::connection_reset;
    case wsaeconnaborted:
      return errc::connection_aborted;
    case wsaenotconn:
      return errc::not_connected;
    case wsaeaddrinuse:
      return errc::address_in_use;
    case wsaeaddrnotavail:
      return errc::address_not_available;
    case wsaeacces:
    case access_denied:
      return errc::permission_denied;
    case wsaemfile:
      return errc::too_many_handles;
    case wsaenobufs:
    case not_enough_memory:
    case no_system_resources:
    case commitment_limit:
    case working_set_quota:
      return errc::no_resources;
    case wsaeopnotsupp:
    case wsaeafnosupport:
      return errc::not_supported;
    case wsaenotsock:
    case invalid_handle:
      return errc::bad_handle;
    case wsaeinval:
      return errc::invalid_argument;
    default:
      return errc::network;
  }
}

errc from_native(int value) noexcept {
  return system_here == NativeSystem::windows ? from_windows(value) : from_linux(value);
}

/// What the standard calls it. libstdc++'s system category cannot be asked here: it has no Winsock error, and takes 64,
/// a network name that is gone, for a file that is missing.
std::error_condition standard_condition(int value) noexcept {
  if (system_here == NativeSystem::linux_os && own_system == NativeSystem::linux_os)
    return std::system_category().default_error_condition(value);
  switch (from_native(value)) {
    case errc::would_block:
      return std::errc::operation_would_block;
    case errc::timed_out:
      return std::errc::timed_out;
    case errc::cancelled:
      return std::errc::operation_canceled;
    case errc::connection_reset:
      return std::errc::connection_reset;
    case errc::connection_aborted:
      return std::errc::connection_aborted;
    case errc::not_connected:
      return std::errc::not_connected;
    case errc::address_in_use:
      return std::errc::address_in_use;
    case errc::address_not_available:
      return std::errc::address_not_available;
    case errc::permission_denied:
      return std::errc::permission_denied;
    case errc::too_many_handles:
      return std::errc::too_many_files_open;
    case errc::no_resources:
      return std::errc::no_buffer_space;
    case errc::not_supported:
      return std::errc::operation_not_supported;
    case errc::bad_handle:
      return std::errc::bad_file_descriptor;
    case errc::invalid_argument:
      return std::errc::invalid_argument;
    default:
      return make_error_condition(from_native(value));
  }
}

const char* text_of(errc error) noexcept {
  switch (error) {
    case errc::success:
      return "success";
    case errc::closed:
      return "the connection or the server has ended";
    case errc::would_block:
      return "a bounded queue is full, or nothing is ready";
    case errc::send_overflow:
      return "the connection's send queue is full";
    case errc::timed_out:
      return "a deadline was over";
    case errc::cancelled:
      return "cancelled";
    case errc::connection_reset:
      return "the peer reset the connection";
    case errc::connection_aborted:
      return "the connection was aborted";
    case errc::not_connected:
      return "not connected";
    case errc::address_in_use:
      return "the address is in use";
    case errc::address_not_available:
      return "not an address of this machine";
    case errc::permission_denied:
      return "permission denied";
    case errc::too_many_handles:
      return "the limit of open handles is reached";
    case errc::no_resources:
      return "the system is out of buffers or memory";
    case errc::not_supported:
      return "not supported here";
    case errc::bad_handle:
      return "not an open socket";
    case errc::invalid_argument:
      return "invalid argument";
    case errc::resource_deadlock_would_occur:
      return "would wait for itself";
    case errc::network:
      return "network or system error";
  }
  return "unknown error";
}

class OwnCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "iocpp"; }
  std::string message(int value) const override { return text_of(static_cast<errc>(value)); }

  bool equivalent(const std::error_code& error, int condition) const noexcept override {
    // A code of success may be of any category: std::error_code{} is the system's.
    if (condition == static_cast<int>(errc::success)) return !error;
    return std::error_category::equivalent(error, condition);
  }
};

class NativeCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "iocpp.native"; }

  std::string message(int value) const override {
    if (system_here != own_system) {
      const char* const of = system_here == NativeSystem::windows ? " (windows error " : " (linux error ";
      return text_of(from_native(value)) + (of + std::to_string(value)) + ")";
    }
    constexpr int number_of_no_error = -2;
    std::string text = std::system_category().message(value);
    // Not every Windows has a text for each of Winsock's errors.
    if (text == std::system_category().message(number_of_no_error)) text = text_of(from_native(value));
    return text + " (" + std::to_string(value) + ")";
  }

  std::error_condition default_error_condition(int value) const noexcept override {
    return make_error_condition(from_native(value));
  }

  bool equivalent(int value, const std::error_condition& condition) const noexcept override {
    // Also equal to the std::errc of the same meaning.
    return condition == default_error_condition(value) || condition == standard_condition(value);
  }
};

}  // namespace

NativeSystemScope::NativeSystemScope(NativeSystem system) noexcept
    : system_{system == NativeSystem::own ? own_system : system}, outer_{std::exchange(newest_scope, this)} {
  system_here = system_;
}

NativeSystemScope::~NativeSystemScope() {
  NativeSystemScope** at = &newest_scope;
  while (*at != this) at = &(*at)->outer_;
  *at = outer_;
  system_here = newest_scope != nullptr ? newest_scope->system_ : own_system;
}

const std::error_category& category() noexcept {
  static const OwnCategory instance;
  return instance;
}

const std::error_category& native_category() noexcept {
  static const NativeCategory instance;
  return instance;
}

std::error_code make_error_code(errc error) noexcept {
  return {static_cast<int>(error), category()};
}

std::error_condition make_error_condition(errc error) noexcept {
  return {static_cast<int>(error), category()};
}

std::error_code native_error(int value) noexcept {
  return value == 0 ? std::error_code{} : std::error_code{value, native_category()};
}

}  // namespace iocpp

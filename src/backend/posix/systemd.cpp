#include "iocpp/systemd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include "backend/posix/listening_socket.hpp"
#include "backend/posix/socket_address.hpp"
#include "iocpp/error.hpp"

namespace iocpp {
namespace {

constexpr int first_handle = 3;  // SD_LISTEN_FDS_START, sd_listen_fds(3)
constexpr int handles_max = 1'000;

/// A variable's text, which is taken out of the environment: before there are threads (`listeners_from_systemd`).
std::string take_variable(const char* name) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  std::string value = text == nullptr ? "" : text;
  ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value;
}

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(make_error_code(errc::invalid_argument), what);
}

int number_of(const std::string& text, const char* variable) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0)
    fail(std::string{variable} + " is '" + text + "', which is no number");
  return number;
}

/// The next of the names, which are separated by colons.
std::string take_name(std::string_view& names) {
  const std::size_t colon = std::min(names.find(':'), names.size());
  std::string name{names.substr(0, colon)};
  names.remove_prefix(std::min(colon + 1, names.size()));
  return name;
}

/// Sockets of one address are one listener's: they share its clients (SO_REUSEPORT).
void add(std::vector<Listen>& listeners, std::vector<Address>& addresses, int handle, std::string name) {
  Address address;
  posix::local_name(handle, address);
  const auto known = std::ranges::find(addresses, address);
  if (known != addresses.end()) {
    listeners[static_cast<std::size_t>(known - addresses.begin())].inherited.push_back(handle);
    return;
  }
  addresses.push_back(address);
  listeners.push_back({.inherited = {handle}, .name = std::move(name)});
}

}  // namespace

std::vector<Listen> listeners_from_systemd() {
  const std::string process = take_variable("LISTEN_PID");
  const std::string count = take_variable("LISTEN_FDS");
  const std::string all_names = take_variable("LISTEN_FDNAMES");
  std::vector<Listen> listeners;
  if (process.empty() || count.empty() || number_of(process, "LISTEN_PID") != ::getpid()) return listeners;
  const int handles = number_of(count, "LISTEN_FDS");
  if (handles > handles_max) fail("LISTEN_FDS is " + count + "; at most 1,000 sockets are taken");
  std::string_view names = all_names;
  std::vector<Address> addresses;
  for (int handle = first_handle; handle < first_handle + handles; ++handle) {
    ::fcntl(handle, F_SETFD, FD_CLOEXEC);
    std::string name = take_name(names);
    if (const std::string fault = posix::fault_of_listener(handle); !fault.empty()) {
      const std::string named = name.empty() ? "" : " (" + name + ")";
      fail("socket activation: handle " + std::to_string(handle) + named + ": " + fault);
    }
    add(listeners, addresses, handle, std::move(name));
  }
  return listeners;
}

}  // namespace iocpp

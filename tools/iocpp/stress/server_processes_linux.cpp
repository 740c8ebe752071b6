#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

#include "stress/server_processes.hpp"

namespace stress {
namespace {

using Names = std::vector<std::string>;  ///< `socket:[4711]`, as the links in /proc/PID/fd have them

constexpr std::string_view exact_source = "smaps_rollup";  // Linux 4.14
constexpr std::string_view rough_source = "statm";         // counted a processor at a time: proc(5) calls it inaccurate

/// The host of an address, and its port, as /proc/net/tcp and tcp6 write them: words of 32 bits in the order of bytes
/// of the network, printed as numbers of this machine.
struct Listened {
  const char* table;
  std::string address;
};

std::string written(const std::byte* host, std::size_t size, std::uint16_t port) {
  std::string text;
  std::array<char, 9> word_text{};
  for (std::size_t offset = 0; offset < size; offset += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, host + offset, sizeof word);
    std::snprintf(word_text.data(), word_text.size(), "%08X", word);
    text += word_text.data();
  }
  std::snprintf(word_text.data(), word_text.size(), ":%04X", static_cast<unsigned>(port));
  return text + word_text.data();
}

constexpr const char* ipv4_table = "/proc/net/tcp";
constexpr const char* ipv6_table = "/proc/net/tcp6";

/// Where the kernel looks for a listener, in its order: the address itself before all addresses, and IPv4 before IPv6
/// sockets that take both (inet_lookup_listener). A connect to 0.0.0.0 or :: is one to this machine's loopback address.
std::vector<Listened> places_of(const sockaddr_in& target) {
  in_addr host = target.sin_addr;
  if (host.s_addr == htonl(INADDR_ANY)) host.s_addr = htonl(INADDR_LOOPBACK);
  const std::uint16_t port = ntohs(target.sin_port);
  std::array<std::byte, 16> mapped{};
  mapped[10] = mapped[11] = std::byte{0xff};
  std::memcpy(mapped.data() + 12, &host, sizeof host);
  const std::array<std::byte, 16> any{};
  return {{ipv4_table, written(mapped.data() + 12, 4, port)},
          {ipv6_table, written(mapped.data(), 16, port)},
          {ipv4_table, written(any.data(), 4, port)},
          {ipv6_table, written(any.data(), 16, port)}};
}

std::vector<Listened> places_of(const sockaddr_in6& target) {
  const in6_addr& host = IN6_IS_ADDR_UNSPECIFIED(&target.sin6_addr) ? in6addr_loopback : target.sin6_addr;
  const std::uint16_t port = ntohs(target.sin6_port);
  std::array<std::byte, 16> bytes{};
  std::memcpy(bytes.data(), &host, sizeof host);
  const std::array<std::byte, 16> any{};
  return {{ipv6_table, written(bytes.data(), 16, port)}, {ipv6_table, written(any.data(), 16, port)}};
}

std::vector<Listened> places_of(const SocketAddress& target) {
  sockaddr_storage native{};
  std::memcpy(&native, target.bytes.data(), std::min<std::size_t>(target.size, sizeof native));
  if (native.ss_family == AF_INET6) {
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, &native, sizeof ipv6);
    return places_of(ipv6);
  }
  sockaddr_in ipv4{};
  std::memcpy(&ipv4, &native, sizeof ipv4);
  return places_of(ipv4);
}

/// Only an address of this machine can be bound; else a wildcard listener here would pass for the server there.
bool is_here(const SocketAddress& target) {
  sockaddr_storage native{};
  std::memcpy(&native, target.bytes.data(), std::min<std::size_t>(target.size, sizeof native));
  constexpr std::size_t port_at = offsetof(sockaddr_in, sin_port);
  static_assert(port_at == offsetof(sockaddr_in6, sin6_port));
  std::memset(reinterpret_cast<std::byte*>(&native) + port_at, 0, sizeof(in_port_t));
  const int handle = socket(native.ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  if (handle < 0) return true;
  const bool bound = bind(handle, reinterpret_cast<const sockaddr*>(&native), target.size) == 0;
  const bool elsewhere = !bound && errno == EADDRNOTAVAIL;
  close(handle);
  return !elsewhere;
}

/// The sockets that listen at this place.
Names listeners_at(const Listened& place) {
  constexpr std::string_view listening = "0A";
  Names names;
  std::ifstream table{place.table};
  for (std::string line; std::getline(table, line);) {
    std::istringstream words{line};
    const Names fields{std::istream_iterator<std::string>{words}, {}};
    if (fields.size() > 9 && fields[1] == place.address && fields[3] == listening)
      names.push_back("socket:[" + fields[9] + "]");
  }
  return names;
}

Names listeners_of(const SocketAddress& target) {
  for (const Listened& place : places_of(target)) {
    if (Names names = listeners_at(place); !names.empty()) return names;
  }
  return {};
}

enum class Holds : std::uint8_t { no, yes, unknown };

Holds holds_one_of(const std::filesystem::path& process, const Names& sockets) {
  std::error_code error;
  std::filesystem::directory_iterator handle{process / "fd", error};
  if (error) return Holds::unknown;
  for (; handle != std::filesystem::directory_iterator{}; handle.increment(error)) {
    const std::string name = read_symlink(handle->path(), error).string();
    if (std::find(sockets.begin(), sockets.end(), name) != sockets.end()) return Holds::yes;
  }
  return Holds::no;
}

struct Holders {
  std::vector<int> ids;
  bool all_seen = true;
};

Holders holders_of(const Names& sockets) {
  Holders holders;
  std::error_code error;
  std::filesystem::directory_iterator entry{"/proc", error};
  for (; !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    int id = 0;
    const auto [rest, wrong] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (wrong != std::errc{} || rest != name.data() + name.size()) continue;
    const Holds holds = holds_one_of(entry->path(), sockets);
    if (holds == Holds::yes) holders.ids.push_back(id);
    if (holds == Holds::unknown) holders.all_seen = false;
  }
  return holders;
}

std::string text_of(int id, std::string_view name) {
  std::ifstream file{"/proc/" + std::to_string(id) + "/" + std::string{name}};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::optional<std::uint64_t> resident_bytes(int id, std::string_view source) {
  const std::string text = text_of(id, source);
  std::uint64_t number = 0;
  if (source == exact_source) {
    constexpr std::string_view label = "\nRss:";
    const std::size_t place = text.find(label);
    if (place == std::string::npos) return std::nullopt;
    if (!(std::istringstream{text.substr(place + label.size())} >> number)) return std::nullopt;
    return number * 1024;
  }
  std::uint64_t all = 0;
  if (!(std::istringstream{text} >> all >> number)) return std::nullopt;
  return number * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

Duration tick() {
  return Duration{std::chrono::seconds{1}} / sysconf(_SC_CLK_TCK);
}

std::optional<Duration> cpu_time(int id) {
  const std::string text = text_of(id, "stat");
  // The program's name, in parentheses, may hold blanks and parentheses of its own.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream words{text.substr(name_end + 1)};
  const Names fields{std::istream_iterator<std::string>{words}, {}};
  constexpr std::size_t utime = 11;  // field 14 of proc(5), where the state, the first one here, is field 3
  if (fields.size() <= utime + 1) return std::nullopt;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  std::istringstream{fields[utime]} >> user;
  std::istringstream{fields[utime + 1]} >> system;
  return tick() * static_cast<Duration::rep>(user + system);
}

}  // namespace

ServerProcesses::ServerProcesses(const SocketAddress& target) {
  if (!is_here(target)) {
    why_ = "the target is not on this machine";
    return;
  }
  const Names sockets = listeners_of(target);
  if (sockets.empty()) {
    why_ = "no listening socket was found at the target";
    return;
  }
  Holders holders = holders_of(sockets);
  if (holders.ids.empty()) {
    why_ = holders.all_seen ? "no process was found that has the listening socket"
                            : "its process may not be looked at: run as its user, or as root";
    return;
  }
  ids_ = std::move(holders.ids);
  memory_source_ = resident_bytes(ids_.front(), exact_source) ? exact_source : rough_source;
  cpu_step_ = tick() * 2 * static_cast<Duration::rep>(ids_.size());
}

std::optional<ServerReading> ServerProcesses::read() const {
  if (ids_.empty()) return std::nullopt;
  ServerReading reading;
  reading.at = Clock::now();
  for (const int id : ids_) {
    const auto resident = resident_bytes(id, memory_source_);
    const auto cpu = cpu_time(id);
    if (!resident || !cpu) return std::nullopt;
    reading.resident_bytes += *resident;
    reading.cpu += *cpu;
  }
  return reading;
}

}  // namespace stress

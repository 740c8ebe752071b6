#include "simulator/trace.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

namespace iocpp::simulator {
namespace {

/// Who, did what, and what the number says; null where it says nothing.
struct Words {
  const char* who;
  const char* did;
  const char* value;
};

constexpr std::array<Words, static_cast<std::size_t>(What::count)> words{{
    {"peer", "connects", nullptr},
    {"link", "is established, listener", ""},
    {"peer", "is refused", nullptr},
    {"peer", "sends", "bytes"},
    {"peer", "receives", "bytes"},
    {"peer", "ends its stream", nullptr},
    {"peer", "closes", nullptr},
    {"peer", "resets", nullptr},
    {"peer", "vanishes", nullptr},
    {"peer", "has what it wanted", nullptr},
    {"peer", "loses its connection", nullptr},
    {"link", "bytes reach the server:", ""},
    {"link", "the peer's end reaches the server", nullptr},
    {"link", "a reset reaches the server", nullptr},
    {"link", "bytes reach the peer:", ""},
    {"link", "the server's end reaches the peer", nullptr},
    {"link", "a reset reaches the peer", nullptr},
    {"loop", "kernel: accepts handle", ""},
    {"loop", "kernel: an accept fails, error", ""},
    {"handle", "kernel: receives", "bytes"},
    {"handle", "kernel: a receive fails, error", ""},
    {"handle", "kernel: sends", "bytes"},
    {"handle", "kernel: a send fails, error", ""},
    {"handle", "kernel: operations cancelled:", ""},
    {"handle", "kernel: is closed", nullptr},
    {"loop", "is woken", nullptr},
    {"loop", "turns", nullptr},
    {"loop", "sleeps, at most for ns:", ""},
    {"fault", "is injected, error", ""},
    {"slot", "on_connect", nullptr},
    {"slot", "on_receive", "bytes"},
    {"slot", "on_sent", "bytes"},
    {"slot", "on_writable", nullptr},
    {"slot", "on_peer_shutdown", nullptr},
    {"slot", "on_disconnect, reason", ""},
    {"loop", "on_server_error, kind", ""},
    {"loop", "on_server_close", nullptr},
    {"loop", "another thread posts a message, kind", ""},
    {"run", "phase", ""},
    {"slot", "on_timer", nullptr},
}};

}  // namespace

std::string to_string(const Record& record) {
  const Words& of = words[static_cast<std::size_t>(record.what)];
  std::array<char, 128> line{};
  const auto microseconds = record.time / 1000;
  int length =
      std::snprintf(line.data(), line.size(), "%14lld.%03d us  %-6s %8u  %s", static_cast<long long>(microseconds),
                    static_cast<int>(record.time % 1000), of.who, record.subject, of.did);
  std::string text{line.data(), static_cast<std::size_t>(std::max(length, 0))};
  if (of.value == nullptr) return text;
  text += ' ' + std::to_string(record.value);
  if (*of.value != '\0') text += std::string{' '} + of.value;
  return text;
}

std::vector<std::string> Trace::last(std::size_t most) const {
  const std::uint64_t shown = std::min<std::uint64_t>({most, records_.size(), count_});
  std::vector<std::string> lines;
  for (std::uint64_t at = count_ - shown; at < count_; ++at)
    lines.push_back(to_string(records_[at & (records_.size() - 1)]));
  return lines;
}

}  // namespace iocpp::simulator

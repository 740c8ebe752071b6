#include "simulator/trace.hpp"

#include <algorithm>
#include <array>
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
    {"slot", "on_drain", nullptr},
    {"slot", "on_disconnect, reason", ""},
    {"loop", "on_server_error, kind", ""},
    {"loop", "on_server_close", nullptr},
    {"loop", "another thread posts a message, kind", ""},
    {"run", "phase", ""},
    {"slot", "on_timer", nullptr},
}};

}  // namespace

/// Padded behind.
void Line::add(std::string_view text, std::size_t width) noexcept {
  const std::size_t room = text_.size() - size_;
  const std::size_t count = std::min(text.size(), room);
  std::copy_n(text.data(), count, text_.data() + size_);
  size_ += count;
  for (std::size_t at = text.size(); at < width && size_ < text_.size(); ++at) text_[size_++] = ' ';
}

/// Padded before.
void Line::add(std::uint64_t number, std::size_t width, char fill) noexcept {
  std::array<char, 20> digits;
  std::size_t first = digits.size();
  do {
    digits[--first] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  for (std::size_t at = digits.size() - first; at < width; ++at) add(std::string_view{&fill, 1});
  add(std::string_view{digits.data() + first, digits.size() - first});
}

Line line_of(const Record& record) noexcept {
  const Words& of = words[static_cast<std::size_t>(record.what)];
  const auto time = static_cast<std::uint64_t>(record.time);
  Line line;
  line.add(time / 1000, 14);
  line.add(".");
  line.add(time % 1000, 3, '0');
  line.add(" us  ");
  line.add(of.who, 6);
  line.add(" ");
  line.add(record.subject, 8);
  line.add("  ");
  line.add(of.did);
  if (of.value == nullptr) return line;
  line.add(" ");
  line.add(record.value);
  if (*of.value == '\0') return line;
  line.add(" ");
  line.add(of.value);
  return line;
}

std::vector<std::string> Trace::last(std::size_t most) const {
  std::vector<std::string> lines;
  for_each_of_last(most, [&](const Record& record) { lines.emplace_back(line_of(record).text()); });
  return lines;
}

}  // namespace iocpp::simulator

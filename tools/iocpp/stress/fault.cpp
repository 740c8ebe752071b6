#include "stress/fault.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>

namespace stress {
namespace {

struct Names {
  std::string_view key;
  std::string_view text;
};

constexpr std::array<Names, fault_kinds> names{{
    {"connect_refused", "connect refused"},
    {"connect_timed_out", "connect timed out"},
    {"connect_failed", "connect failed"},
    {"closed_without_answer", "closed without an answer"},
    {"reset_early", "reset early"},
    {"closed_early", "closed early"},
    {"reset_after_echo", "reset after the echo"},
    {"timed_out", "timed out"},
    {"wrong_bytes", "wrong bytes"},
    {"no_local_port", "local: no port left"},
    {"no_handles", "local: no handle or memory left"},
    {"other", "other"},
}};

}  // namespace

std::string_view key_of(Fault fault) noexcept {
  return names[static_cast<std::size_t>(fault)].key;
}
std::string_view text_of(Fault fault) noexcept {
  return names[static_cast<std::size_t>(fault)].text;
}

Fault connect_fault(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::refused:
      return Fault::connect_refused;
    case Outcome::timed_out:
      return Fault::connect_timed_out;
    case Outcome::reset:
      return Fault::closed_without_answer;
    case Outcome::no_local_port:
      return Fault::no_local_port;
    case Outcome::no_handles:
      return Fault::no_handles;
    default:
      return Fault::connect_failed;
  }
}

Fault stream_fault(Outcome outcome, bool part_answered) noexcept {
  switch (outcome) {
    case Outcome::ended:
      return part_answered ? Fault::closed_early : Fault::closed_without_answer;
    case Outcome::reset:
      return part_answered ? Fault::reset_early : Fault::closed_without_answer;
    case Outcome::timed_out:
      return Fault::timed_out;
    case Outcome::no_handles:
      return Fault::no_handles;
    default:
      return Fault::other;
  }
}

void WrongAnswer::note(std::span<const std::byte> bytes) noexcept {
  if (!empty()) return;
  size_ = std::min(bytes.size(), bytes_.size());
  std::memcpy(bytes_.data(), bytes.data(), size_);
}

std::string WrongAnswer::text() const {
  std::string text{'"'};
  for (const char byte : bytes()) {
    if (byte == '\n') {
      text += "\\n";
    } else if (byte == '\r') {
      text += "\\r";
    } else if (byte == '"' || byte == '\\') {
      text += {'\\', byte};
    } else if (byte >= ' ' && byte <= '~') {
      text += byte;
    } else {
      std::array<char, 5> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
      text += escape.data();
    }
  }
  return text + "\": is it an echo server?";
}

void FaultCounts::merge(const FaultCounts& other) noexcept {
  wrong_answer_.merge(other.wrong_answer_);
  for (std::size_t kind = 0; kind < fault_kinds; ++kind) counts_[kind] += other.counts_[kind];
}

std::uint64_t FaultCounts::total() const noexcept {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

}  // namespace stress

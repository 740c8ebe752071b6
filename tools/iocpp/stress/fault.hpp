// What can go wrong with a connection of the stress client.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "stress/socket.hpp"

namespace stress {

enum class Fault : std::uint8_t {
  connect_refused,        ///< Nobody listened.
  connect_timed_out,      ///< Not established in time.
  connect_failed,         ///< Not established, for another reason.
  closed_without_answer,  ///< Established, then ended or reset by the server before a byte of an answer: shed at a
                          ///< limit, for example.
  reset_early,            ///< Reset after a part of the answer.
  closed_early,           ///< Ended in order after a part of the answer.
  reset_after_echo,       ///< All was answered, and then the server reset the connection instead of ending it.
  timed_out,              ///< Established, and then no progress in time.
  wrong_bytes,            ///< Other bytes than were sent, or more.
  no_local_port,          ///< The client had no port left: says nothing about the server.
  no_handles,             ///< The client had no handle or memory left: says nothing about the server.
  other,
};
inline constexpr std::size_t fault_kinds = static_cast<std::size_t>(Fault::other) + 1;

/// `connect_refused`, ...: the key in --json.
std::string_view key_of(Fault fault) noexcept;
/// `connect refused`, ...: for a reader.
std::string_view text_of(Fault fault) noexcept;

/// The fault of a connect that ended with this outcome.
Fault connect_fault(Outcome outcome) noexcept;
/// The fault of an established connection that a send or receive found `ended`, `reset` or failed.
Fault stream_fault(Outcome outcome, bool part_answered) noexcept;

/// How an answer began whose very first bytes were wrong: what answers is no echo server, as a rule.
class WrongAnswer {
 public:
  /// The first call counts.
  void note(std::span<const std::byte> bytes) noexcept;
  void merge(const WrongAnswer& other) noexcept { note(std::as_bytes(other.bytes())); }
  bool empty() const noexcept { return size_ == 0; }
  /// `"220 ready\r\n": is it an echo server?`
  std::string text() const;

 private:
  std::span<const char> bytes() const noexcept { return std::span{bytes_}.first(size_); }

  std::array<char, 40> bytes_{};
  std::size_t size_ = 0;
};

class FaultCounts {
 public:
  void add(Fault fault) noexcept { ++counts_[static_cast<std::size_t>(fault)]; }
  void merge(const FaultCounts& other) noexcept;
  /// Takes those of this kind out, and returns how many there were.
  std::uint64_t take(Fault fault) noexcept { return std::exchange(counts_[static_cast<std::size_t>(fault)], 0); }
  std::uint64_t operator[](Fault fault) const noexcept { return counts_[static_cast<std::size_t>(fault)]; }
  std::uint64_t total() const noexcept;
  /// Of the first connection that had one.
  WrongAnswer& wrong_answer() noexcept { return wrong_answer_; }
  const WrongAnswer& wrong_answer() const noexcept { return wrong_answer_; }

 private:
  std::array<std::uint64_t, fault_kinds> counts_{};
  WrongAnswer wrong_answer_;
};

}  // namespace stress

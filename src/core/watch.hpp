// What is watched of one connection for its deadlines. A plain state machine over ticks that are handed in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "core/timer_queue.hpp"
#include "iocpp/connection.hpp"
#include "iocpp/deadlines.hpp"

namespace iocpp::core {

/// `Deadlines` in ticks of the timer queue; 0: off.
struct DeadlineRules {
  DeadlineRules() = default;
  explicit DeadlineRules(const Deadlines& deadlines) noexcept;

  std::uint64_t first_byte = 0, idle_receive = 0, idle_send = 0, idle = 0, write = 0, lifetime = 0, grace = 0;
  std::uint32_t bytes_a_grace = 0;
  /// The least of those that may begin at any time: a timer that is armed for sooner need not be moved.
  std::uint64_t soonest = 0;
  bool any = false;
};

/// A connection in the moment in which it is looked at.
struct WatchedState {
  bool open = false;       ///< The handler has it.
  bool receiving = false;  ///< What the peer sends would be received.
  bool queued = false;     ///< Something is to be sent.
};

/// A receive or a send only leaves a mark. When the slot is settled, after the turn's callbacks, `note` gives what has
/// happened the time of then: so what a slow handler delayed counts from its end, and no operation reads a clock. The
/// timer is not moved by what happens; when it fires it is looked at again what is due (`next_due`, `over`).
class Watch : public Timer {
 public:
  /// A new connection.
  void begin(std::uint32_t slot_index) noexcept;

  void received(std::uint32_t bytes) noexcept {
    add(received_in_period_, bytes);
    received_now_ = true;
  }
  /// `emptied`: nothing is queued now.
  void sent(std::uint32_t bytes, bool emptied) noexcept {
    add(sent_in_period_, bytes);
    sent_now_ = true;
    emptied_ = emptied_ || emptied;
  }
  /// All of what is queued has left now, unless it turns out that some of it has not: then it is queued from then on.
  void sent_quietly(std::uint64_t now) noexcept {
    sent_at_ = now;
    queued_ = false;
  }
  void begin_message() noexcept {
    in_message_ = message_begins_ = true;
    received_in_period_ = 0;
  }
  void end_message() noexcept { in_message_ = message_begins_ = false; }

  /// What has happened since the last time happened now. True: a deadline may have begun that is sooner than the
  /// others.
  bool note(const WatchedState& state, std::uint64_t now) noexcept;

  /// The next tick at which something may be over.
  std::optional<std::uint64_t> next_due(const DeadlineRules& rules, const WatchedState& state) const noexcept;

  /// What is over at `judged`; periods that brought their bytes are followed by the next, which begins now.
  std::optional<DisconnectReason> over(const DeadlineRules& rules, const WatchedState& state, std::uint64_t judged,
                                       std::uint64_t now) noexcept;

  bool fired : 1 = false;      ///< The timer has fired: to be looked at when the slot is settled.
  bool suspected : 1 = false;  ///< It was over a turn ago. What the system had by then has been seen since.

 private:
  template <class Visit>
  void for_each_due(const DeadlineRules& rules, const WatchedState& state, Visit&& visit) const noexcept;
  void next_periods(const DeadlineRules& rules, const WatchedState& state, std::uint64_t judged,
                    std::uint64_t now) noexcept;

  static void add(std::uint32_t& sum, std::uint32_t bytes) noexcept {
    sum += std::min(bytes, std::numeric_limits<std::uint32_t>::max() - sum);
  }

  bool fresh_ : 1 = true;
  bool received_now_ : 1 = false;
  bool sent_now_ : 1 = false;
  bool emptied_ : 1 = false;
  bool heard_ : 1 = false;  ///< A byte was received, ever.
  bool receiving_ : 1 = false;
  bool queued_ : 1 = false;
  bool in_message_ : 1 = false;
  bool message_begins_ : 1 = false;

 public:
  std::uint32_t index = 0;  ///< Of its slot.

 private:
  std::uint64_t opened_ = 0;
  std::uint64_t received_at_ = 0;  ///< Or since when it could have been.
  std::uint64_t sent_at_ = 0;
  std::uint64_t queued_at_ = 0;       ///< Since when something is queued without a gap.
  std::uint64_t read_period_ = 0;     ///< Since when the peer must read ...
  std::uint64_t message_period_ = 0;  ///< ... and since when its message must come: the running period.
  std::uint32_t received_in_period_ = 0;
  std::uint32_t sent_in_period_ = 0;
};

static_assert(sizeof(Watch) <= 96, "what a connection with deadlines costs (docs/DEADLINES.md)");

}  // namespace iocpp::core

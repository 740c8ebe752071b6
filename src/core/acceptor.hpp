// The accept chain of one listener: what is posted, what each outcome leads to, and why it can never fall silent.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/backoff.hpp"
#include "base/clock.hpp"
#include "core/accept_outcome.hpp"
#include "core/gate.hpp"
#include "core/timer_queue.hpp"

namespace iocpp::core {

/// A plain state machine. It never posts anything: it says what it wants, and after every turn the engine posts that.
/// So re-arming depends on no code path of any outcome: an outcome can only choose the mode, and each mode has
/// something that wakes it.
///
///     accepting ── no resources, or many failures in a row ──▶ waiting ── timer ──▶ accepting
///         ├── no handles ──▶ shedding (poll the listener; refuse who knocks) ── timer, a freed handle ──▶ accepting
///         ├── a limit is full ──▶ paused ── timer of its rate, a connection that ends ──▶ accepting
///         ├── listener lost ──▶ rebuilding ── timer ──▶ (the engine makes it anew) ──▶ accepting
///         └── begin_close ──▶ closing ── nothing in flight ──▶ closed
class Acceptor : public Timer {
 public:
  enum class Mode : std::uint8_t { closed, accepting, paused, waiting, shedding, rebuilding, closing };

  struct Config {
    Platform platform = Platform::linux_os;
    bool multishot = true;   ///< One accept that completes many times, in place of a pool.
    unsigned singles = 16;   ///< Accepts in flight without multishot.
    std::uint64_t seed = 0;  ///< For the jitter of retries.
  };

  Acceptor(const Config& config, TimerQueue& timers) noexcept;

  /// The listener is open (or was made anew): accept.
  void open() noexcept;

  // What happened.
  void accept_posted() noexcept;
  void poll_posted() noexcept { poll_in_flight_ = true; }
  /// `more`: the operation goes on. Returns the class of the outcome.
  AcceptOutcome on_accept(int error, bool more, TimePoint now) noexcept;
  /// The poll has ended. True: a client knocks while we shed; refuse up to `shed_batch` clients and call `shed_ended`.
  bool on_poll() noexcept;
  enum class ShedEnd : std::uint8_t { nobody_left, batch_full, failed };
  void shed_ended(ShedEnd end, TimePoint now) noexcept;
  /// Some handle of this process was closed.
  void on_handle_freed() noexcept;
  /// True: the listener must be made anew now; `open` or `rebuild_failed` follows. Otherwise accepting has begun again.
  bool on_timer() noexcept;
  void rebuild_failed(TimePoint now) noexcept;
  /// Asked anew after every turn, where limits pause: so what has made room can't be missed, whichever limit it was of.
  void keep_within(const Room& room) noexcept;
  void begin_close() noexcept;
  /// While closing: who is in the backlog can't be accepted for now. The timer, or a freed handle, says when to try.
  void close_later(AcceptOutcome outcome, TimePoint now) noexcept;
  /// What was in flight has ended, and nobody knows how.
  void operations_lost() noexcept {
    accepts_in_flight_ = 0;
    poll_in_flight_ = false;
  }
  /// The system's handle was closed. What was still in flight will come back stale.
  void closed() noexcept;

  // What the engine is to post now.
  unsigned accepts_wanted() const noexcept;
  bool poll_wanted() const noexcept { return mode_ == Mode::shedding && !poll_in_flight_; }
  bool cancel_wanted() const noexcept { return mode_ == Mode::closing && in_flight() != 0; }

  Mode mode() const noexcept { return mode_; }
  bool multishot() const noexcept { return multishot_; }
  /// From the first failure for want of a handle until the next success, attempts between included.
  bool waits_for_handle() const noexcept { return for_handle_ && mode_ != Mode::closed && mode_ != Mode::rebuilding; }
  unsigned accepts_in_flight() const noexcept { return accepts_in_flight_; }
  unsigned in_flight() const noexcept { return accepts_in_flight_ + (poll_in_flight_ ? 1U : 0U); }

  /// Paused until a connection ends: the engine sees to it that one that ends wakes this loop.
  bool waits_for_place() const noexcept { return mode_ == Mode::paused && full_ == Room::Full::connections; }

  /// The invariant of this library: an open listener has an accept or a poll in flight, or a timer that will bring it
  /// back, or waits for a connection to end.
  bool healthy() const noexcept;

  /// Failures in a row, without a success, after which even "drop this client" is paced.
  static constexpr unsigned multishot_failures_before_pause = 16;
  static constexpr unsigned shed_batch = 64;
  /// With `shed_batch` it bounds what refusing costs: 4,000 clients a second.
  static constexpr std::chrono::milliseconds shed_pause{16};
  /// The same bound for clients that leave before they are accepted: a pool of 16, each 4 ms.
  static constexpr std::chrono::milliseconds drop_pause{4};

 private:
  unsigned target() const noexcept { return multishot_ ? 1 : std::min(singles_, room_); }
  unsigned failures_before_pause() const noexcept { return multishot_ ? multishot_failures_before_pause : singles_; }
  bool accepts() const noexcept { return mode_ == Mode::accepting || mode_ == Mode::paused; }
  void succeeded() noexcept;
  void wait(TimePoint until) noexcept;

  TimerQueue& timers_;
  Backoff backoff_;
  unsigned singles_;
  unsigned accepts_in_flight_ = 0;
  unsigned failures_in_row_ = 0;
  unsigned room_ = std::numeric_limits<unsigned>::max();
  Room::Full full_ = Room::Full::not_full;
  Platform platform_;
  Mode mode_ = Mode::closed;
  bool multishot_;
  bool multishot_proven_ = false;
  bool poll_in_flight_ = false;
  bool for_handle_ = false;
  bool freed_meanwhile_ = false;  // a handle was freed during an attempt that may have failed before
};

}  // namespace iocpp::core

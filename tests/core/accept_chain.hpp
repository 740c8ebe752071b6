// An acceptor, a virtual clock, and somebody who posts what it wants as the engine does after every turn.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "core/acceptor.hpp"

namespace iocpp::core {

/// errno and Winsock values that stand for the classes of the table.
inline constexpr int econnaborted = 103, eproto = 71, emfile = 24, enfile = 23, enobufs = 105, enomem = 12, ebadf = 9,
                     einval = 22, ecanceled = 125, unknown_code = 4711;

class AcceptChain {
 public:
  explicit AcceptChain(const Acceptor::Config& config = {}) : acceptor{config, timers}, singles_{config.singles} {
    timers.begin(now);
    acceptor.open();
    post();
  }
  ~AcceptChain() { timers.cancel(acceptor); }
  AcceptChain(const AcceptChain&) = delete;
  AcceptChain& operator=(const AcceptChain&) = delete;

  /// The end of a turn.
  void post() {
    if (room) acceptor.keep_within(*room);
    while (acceptor.accepts_wanted() != 0) {
      acceptor.accept_posted();
      ++accepts_posted;
      ++posted_without_progress;
    }
    if (acceptor.poll_wanted()) {
      acceptor.poll_posted();
      ++polls_posted;
    }
    EXPECT_TRUE(acceptor.healthy()) << "mode " << static_cast<int>(acceptor.mode());
    EXPECT_LE(acceptor.accepts_in_flight(), acceptor.multishot() ? 1U : singles_);
    EXPECT_LE(posted_without_progress, 2 * singles_ + Acceptor::multishot_failures_before_pause)
        << "accepts posted at one instant, and nothing came of it";
  }

  /// A turn in which one accept completes.
  AcceptOutcome complete(int error, bool more = false) {
    if (error == 0) posted_without_progress = 0;
    const AcceptOutcome outcome = acceptor.on_accept(error, more, now);
    post();
    return outcome;
  }

  /// A turn in which all that was in flight completes, with the same error.
  void complete_all(int error) {
    for (unsigned left = acceptor.accepts_in_flight(); left != 0; --left) acceptor.on_accept(error, false, now);
    post();
  }

  /// A turn in which the poll of the listener completes. True: clients are to be refused.
  bool knock() { return acceptor.on_poll(); }

  void free_handle() {
    posted_without_progress = 0;
    acceptor.on_handle_freed();
    post();
  }

  /// Turns until `span` is over, as the timer asks for them.
  void pass(std::chrono::nanoseconds span) {
    const TimePoint until = now + span;
    while (timers.next_deadline() && *timers.next_deadline() <= until) {
      if (*timers.next_deadline() > now) {
        now = *timers.next_deadline();
        posted_without_progress = 0;
      }
      expire();
    }
    now = until;
    posted_without_progress = 0;
    expire();
  }

  /// How long the acceptor is going to wait. Only while its timer is armed.
  std::chrono::nanoseconds wait() const {
    EXPECT_TRUE(acceptor.armed());
    return TimePoint{std::chrono::nanoseconds{static_cast<std::int64_t>(acceptor.tick << 20)}} - now;
  }

  /// Turns until something is accepted again at the latest by `limit`; the time that it took.
  std::optional<std::chrono::nanoseconds> until_accepting(std::chrono::nanoseconds limit) {
    const TimePoint began = now;
    while (acceptor.mode() != Acceptor::Mode::accepting) {
      if (!timers.next_deadline() || *timers.next_deadline() > began + limit) return std::nullopt;
      pass(*timers.next_deadline() - now);
    }
    return now - began;
  }

  Acceptor::Mode mode() const { return acceptor.mode(); }

  TimePoint now{std::chrono::hours{3}};
  TimerQueue timers;
  Acceptor acceptor;
  std::optional<Room> room;  ///< Of limits that pause.
  bool rebuilding_works = true;
  unsigned accepts_posted = 0;
  unsigned polls_posted = 0;
  unsigned posted_without_progress = 0;
  unsigned rebuilds = 0;

 private:
  void expire() {
    timers.expire(now, [this](Timer&) {
      if (acceptor.on_timer()) rebuild();
    });
    post();
  }

  void rebuild() {
    ++rebuilds;
    if (!rebuilding_works) return acceptor.rebuild_failed(now);
    acceptor.closed();
    acceptor.open();
  }

  unsigned singles_;
};

}  // namespace iocpp::core

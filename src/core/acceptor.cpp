#include "core/acceptor.hpp"

#include <cassert>
#include <utility>

#include "base/native_codes.hpp"

namespace iocpp::core {

Acceptor::Acceptor(const Config& config, TimerQueue& timers) noexcept
    : timers_{timers},
      backoff_{config.seed},
      singles_{config.singles},
      platform_{config.platform},
      multishot_{config.multishot} {
  assert(singles_ >= 1);
  kind = TimerKind::listener;
}

void Acceptor::open() noexcept {
  assert(mode_ == Mode::closed || mode_ == Mode::rebuilding);
  mode_ = Mode::accepting;
}

void Acceptor::accept_posted() noexcept {
  assert(accepts_in_flight_ < target() && mode_ == Mode::accepting);
  ++accepts_in_flight_;
}

void Acceptor::succeeded() noexcept {
  failures_in_row_ = 0;
  backoff_.reset();
  for_handle_ = freed_meanwhile_ = false;
  if (multishot_) multishot_proven_ = true;
  if (mode_ == Mode::waiting || mode_ == Mode::shedding) {
    timers_.cancel(*this);
    mode_ = Mode::accepting;
  }
}

void Acceptor::wait(TimePoint until) noexcept {
  mode_ = Mode::waiting;
  timers_.arm(*this, until);
}

AcceptOutcome Acceptor::on_accept(int error, bool more, TimePoint now) noexcept {
  if (!more) {
    assert(accepts_in_flight_ > 0);
    --accepts_in_flight_;
  }
  const AcceptOutcome outcome = classify_accept(platform_, error);
  if (outcome == AcceptOutcome::accepted) {
    succeeded();
    return outcome;
  }
  if (mode_ == Mode::closing || mode_ == Mode::rebuilding) return outcome;
  // An EINVAL before multishot has ever worked here says that this kernel does not know the flag; accept(2)'s own
  // EINVAL, a socket that does not listen, then comes from the single accepts and is found there.
  if (error == linux_errno::inval && platform_ == Platform::linux_os && multishot_ && !multishot_proven_) {
    multishot_ = false;
    return AcceptOutcome::multishot_refused;
  }
  ++failures_in_row_;
  const bool of_one_client = outcome == AcceptOutcome::drop_client || outcome == AcceptOutcome::cancelled;
  if (accepts()) {
    if (of_one_client && failures_in_row_ < failures_before_pause()) return outcome;
    if (outcome == AcceptOutcome::no_handles && std::exchange(freed_meanwhile_, false)) return outcome;
    for_handle_ = false;
    // Clients that leave can't be waited out: each hides those behind it, so a growing wait would let a few of them
    // keep everybody else out. The pause only bounds what they cost.
    wait(now + (client_has_left(platform_, error) ? drop_pause : backoff_.next()));
  }
  // From here on a timer is armed. The accepts of a pool fail together: the later ones neither lengthen the wait that
  // the first began nor end its purpose, but one of them may tell what the first could not.
  if (outcome == AcceptOutcome::no_handles) {
    mode_ = Mode::shedding;
    for_handle_ = true;
  }
  if (outcome == AcceptOutcome::listener_lost) mode_ = Mode::rebuilding;
  return outcome;
}

bool Acceptor::on_poll() noexcept {
  assert(poll_in_flight_);
  poll_in_flight_ = false;
  return mode_ == Mode::shedding;
}

void Acceptor::shed_ended(ShedEnd end, TimePoint now) noexcept {
  assert(mode_ == Mode::shedding);
  if (end == ShedEnd::batch_full) wait(now + shed_pause);
  if (end == ShedEnd::failed) wait(now + backoff_.next());
}

void Acceptor::on_handle_freed() noexcept {
  if (!waits_for_handle()) return;
  if (mode_ == Mode::accepting) {
    freed_meanwhile_ = true;
    return;
  }
  timers_.cancel(*this);
  if (mode_ != Mode::closing) mode_ = Mode::accepting;
}

bool Acceptor::on_timer() noexcept {
  if (mode_ == Mode::rebuilding) return true;
  if (mode_ == Mode::closing) return false;
  assert(mode_ == Mode::waiting || mode_ == Mode::shedding || mode_ == Mode::paused);
  mode_ = Mode::accepting;
  return false;
}

void Acceptor::keep_within(const Room& room) noexcept {
  room_ = room.accepts;
  if (!accepts()) return;
  if (room.accepts != 0) {
    if (mode_ == Mode::paused) timers_.cancel(*this);
    mode_ = Mode::accepting;
    return;
  }
  mode_ = Mode::paused;
  full_ = room.full;
  if (full_ == Room::Full::rate) {
    timers_.arm(*this, room.until);
  } else {
    timers_.cancel(*this);
  }
}

void Acceptor::rebuild_failed(TimePoint now) noexcept {
  assert(mode_ == Mode::rebuilding);
  timers_.arm(*this, now + backoff_.next());
}

void Acceptor::close_later(AcceptOutcome outcome, TimePoint now) noexcept {
  assert(mode_ == Mode::closing && !armed());
  for_handle_ = outcome == AcceptOutcome::no_handles;
  timers_.arm(*this, now + backoff_.next());
}

void Acceptor::begin_close() noexcept {
  timers_.cancel(*this);
  backoff_.reset();
  mode_ = mode_ == Mode::closed ? Mode::closed : Mode::closing;
}

void Acceptor::closed() noexcept {
  if (mode_ == Mode::closing) timers_.cancel(*this);
  operations_lost();
  if (mode_ == Mode::closing) mode_ = Mode::closed;
}

unsigned Acceptor::accepts_wanted() const noexcept {
  return mode_ == Mode::accepting && accepts_in_flight_ < target() ? target() - accepts_in_flight_ : 0;
}

bool Acceptor::healthy() const noexcept {
  switch (mode_) {
    case Mode::closed:
    case Mode::closing:
      return true;
    case Mode::accepting:
      return accepts_in_flight_ >= 1;
    case Mode::paused:
      return armed() || full_ == Room::Full::connections;
    case Mode::waiting:
    case Mode::rebuilding:
      return armed();
    case Mode::shedding:
      return armed() && poll_in_flight_;
  }
  return false;
}

}  // namespace iocpp::core

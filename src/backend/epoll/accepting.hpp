// Accepts and polls of listeners, as long as a client may wait. Part of port.hpp.
#pragma once

#include "backend/epoll/port.hpp"

namespace iocpp::epoll {

/// nullptr: no memory.
template <class Sys>
typename Port<Sys>::Listening* Port<Sys>::listening(ListenerRef listener) noexcept {
  try {
    if (listener.index >= listeners_.size()) listeners_.resize(listener.index + 1);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  Listening& found = listeners_[listener.index];
  if (found.generation != listener.generation) {
    assert(found.accepts == 0 && !found.polling);
    found = {.descriptor = descriptor(listener.handle), .generation = listener.generation};
  }
  return &found;
}

template <class Sys>
int Port<Sys>::watch(std::uint32_t index, Listening& listening) noexcept {
  if (listening.watched) return 0;
  int error = sys_.make_non_blocking(listening.descriptor);
  if (error >= 0) {
    error = sys_.watch(listening.descriptor, kernel::readable | kernel::edge_triggered,
                       user_of(Tag::listener, index, listening.generation));
  }
  listening.watched = error >= 0;
  return error;
}

/// A registration outlives its descriptor where another process has the socket too (epoll(7), question 6): every client
/// of a successor would wake this loop.
template <class Sys>
void Port<Sys>::unwatch_listener(int descriptor) noexcept {
  for (Listening& listening : listeners_) {
    if (!listening.watched || listening.descriptor != descriptor) continue;
    sys_.unwatch(descriptor);
    listening.watched = false;
  }
}

template <class Sys>
bool Port<Sys>::accept(ListenerRef listener, bool multishot) {
  Listening* of = listening(listener);
  if (of == nullptr || !finished_.reserve(1)) return false;
  if (const int error = watch(listener.index, *of); error < 0) {
    Completion failed = completion(Operation::accept, listener.index, listener.generation, error);
    failed.accepted = no_handle;
    finished_.push(failed);
    return true;
  }
  of->multishot = multishot;
  of->untried = accepts_ready_ = true;
  ++of->accepts;
  ++in_flight_;
  return true;
}

template <class Sys>
bool Port<Sys>::poll_listener(ListenerRef listener) {
  Listening* of = listening(listener);
  if (of == nullptr || !finished_.reserve(1)) return false;
  if (const int error = watch(listener.index, *of); error < 0) {
    finished_.push(completion(Operation::poll_listener, listener.index, listener.generation, error));
    return true;
  }
  assert(!of->polling);
  of->polling = true;
  ++in_flight_;
  accepts_ready_ = accepts_ready_ || of->readable;
  return true;
}

template <class Sys>
bool Port<Sys>::cancel_listener(ListenerRef listener) {
  if (listener.index >= listeners_.size() || listeners_[listener.index].generation != listener.generation) return true;
  Listening& of = listeners_[listener.index];
  if (!finished_.reserve(of.accepts + 1)) return false;
  for (; of.accepts != 0; --of.accepts, --in_flight_) {
    Completion ended = completion(Operation::accept, listener.index, listener.generation, -linux_errno::canceled);
    ended.accepted = no_handle;
    finished_.push(ended);
  }
  if (of.polling) {
    of.polling = false;
    --in_flight_;
    finished_.push(completion(Operation::poll_listener, listener.index, listener.generation, -linux_errno::canceled));
  }
  return true;
}

/// Accepts when no accept is in flight. That nobody waits any more is noted here as everywhere: the next client is an
/// edge.
template <class Sys>
int Port<Sys>::accept_noting_the_last(Listening& listening) noexcept {
  const int accepted = sys_.accept_now(listening.descriptor);
  if (accepted == -linux_errno::again) listening.readable = listening.untried = false;
  return accepted;
}

template <class Sys>
NativeHandle Port<Sys>::accept_now(ListenerRef listener, int& error) {
  Listening* of = listening(listener);
  int accepted = of == nullptr ? -linux_errno::nomem : watch(listener.index, *of);
  if (accepted >= 0) accepted = accept_noting_the_last(*of);
  error = accepted < 0 ? -accepted : 0;
  return accepted < 0 ? no_handle : accepted;
}

template <class Sys>
Shed Port<Sys>::shed(ListenerRef listener) {
  Listening* of = listening(listener);
  if (of == nullptr || watch(listener.index, *of) < 0) return Shed::failed;
  if (sys_.clients_waiting(of->descriptor) == 0) {
    of->readable = false;
    return Shed::nobody;
  }
  return reserve_.shed(sys_, [&] { return accept_noting_the_last(*of); });
}

template <class Sys>
void Port<Sys>::accept_clients() noexcept {
  if (!accepts_ready_) return;
  accepts_ready_ = false;
  for (std::uint32_t index = 0; index < listeners_.size(); ++index) {
    Listening& listening = listeners_[index];
    accept_clients(index, listening);
    accepts_ready_ = accepts_ready_ || listening.ready();
  }
}

/// An error ends the accept, and nothing is tried again before the engine posts the next one: at the acceptor's pace.
/// Whoever else waits leaves the listener readable.
template <class Sys>
void Port<Sys>::accept_clients(std::uint32_t index, Listening& listening) noexcept {
  for (unsigned count = 0; count < accepts_a_turn; ++count) {
    if (listening.accepts == 0 || !(listening.readable || listening.untried) || !finished_.has_room()) break;
    const int accepted = sys_.accept(listening.descriptor);
    if (accepted == -linux_errno::again) {
      listening.readable = listening.untried = false;
      return;
    }
    Completion told = completion(Operation::accept, index, listening.generation, std::min(accepted, 0));
    told.accepted = accepted < 0 ? no_handle : accepted;
    told.more = accepted >= 0 && listening.multishot;
    if (!told.more) {
      --listening.accepts;
      --in_flight_;
    }
    finished_.tell(told);
    if (accepted >= 0) continue;
    listening.untried = false;
    break;
  }
  if (!listening.polling || !listening.readable || !finished_.has_room()) return;
  listening.polling = false;
  --in_flight_;
  finished_.tell(completion(Operation::poll_listener, index, listening.generation, 0));
}

}  // namespace iocpp::epoll

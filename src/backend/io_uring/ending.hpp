// The end of everything that is in flight: after a loss, and when the port stops. Part of port.hpp.
#pragma once

#include "backend/io_uring/port.hpp"

namespace iocpp::io_uring {

/// The engine has the operations' ends from here: that they have ended, and not how. Without memory for a new ring of
/// buffers receives find none (ENOBUFS), and are tried again; the ring is, with each wait.
template <class Sys>
bool Port<Sys>::renew() {
  if (!end_all(time_to_renew)) return false;
  sends_.all_ended();
  entries_lost_before_ = sys_.entries_lost();
  has_buffers_ = buffers_.restart(sys_) == 0;
  return true;
}

/// Cancels what is in flight and takes what comes of it, until a cancel finds nothing and nothing comes after it.
/// False: it does not end. Operations are cancelled by name before, where there are many: the kernel finds those by a
/// hash, and looks through all that it has for each of "any" (40,000 of them: 35 s).
template <class Sys>
bool Port<Sys>::end_all(std::chrono::seconds at_most) noexcept {
  in_flight_ -= quiet_sends_.drop();  // they end as they are submitted
  doorbell_armed_ = false;
  const TimePoint give_up = sys_.now() + at_most;
  std::uint32_t lost_before = 0;
  for (left_ = Left::unknown; in_flight_ != 0 || entries_lost() != 0;) {
    const bool asks = left_ == Left::unknown || lost_before != entries_lost();
    const Left found = asks ? Left::unknown : left_;
    lost_before = entries_lost();
    if (asks && post([&] { return sys_.cancel_any(user_of(Tag::cancel, 1, 0)); })) left_ = Left::asked;
    const int result = sys_.submit_and_wait(std::chrono::milliseconds{asks ? 0 : 1});
    const bool anything = drop_entries();
    const bool looked = (result >= 0 || result == -linux_errno::time) && !sys_.has_submissions();
    if (found == Left::nothing && looked && !anything) break;
    if (found == Left::nothing || found == Left::some) left_ = Left::unknown;  // asked anew, after a wait
    if (!looked) sys_.pause();
    if (sys_.now() >= give_up) return false;
  }
  in_flight_ = 0;
  return true;
}

/// True: there were some.
template <class Sys>
bool Port<Sys>::drop_entries() noexcept {
  unsigned dropped = 0;
  const auto take = [&](const kernel::Entry& entry) {
    ++dropped;
    drop(entry);
  };
  for (unsigned before = ~0U; dropped != before;) {
    before = dropped;
    sys_.reap(batch, take);
  }
  return dropped != 0;
}

/// Nobody will hear of it: a client that it brings is reset.
template <class Sys>
void Port<Sys>::drop(const kernel::Entry& entry) noexcept {
  const auto tag = static_cast<Tag>(entry.user >> 56);
  const bool last = (entry.flags & kernel::entry_more) == 0 && tag != Tag::quiet_send;
  if (last && in_flight_ != 0) --in_flight_;
  if (tag == Tag::accept && entry.result >= 0) close_now(entry.result, true);
  const bool of_any = tag == Tag::cancel && (entry.user >> 32 & 0xffffffU) == 1;
  if (of_any) left_ = entry.result == 0 ? Left::nothing : Left::some;
}

/// Everything that the engine knows of is closed already; what is left is the doorbell, and what was cancelled with a
/// lost listener.
template <class Sys>
void Port<Sys>::stop() noexcept {
  if (in_flight_ != 0) end_all(time_to_stop);
  sys_.teardown();
  reserve_.close(sys_);
}

}  // namespace iocpp::io_uring

// The io_uring completion port: every decision about the ring, without a header of the system.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <vector>

#include "backend/io_uring/kernel.hpp"
#include "backend/io_uring/quiet_sends.hpp"
#include "backend/io_uring/receive_buffers.hpp"
#include "backend/posix/gathered_sends.hpp"
#include "backend/posix/reserve.hpp"
#include "base/native_codes.hpp"
#include "engine/backend.hpp"

namespace iocpp::io_uring {

using engine::BackendConfig;
using engine::Capabilities;
using engine::Completion;
using engine::ListenerRef;
using engine::Operation;
using engine::Shed;
using engine::SlotRef;
using kernel::SendWay;

/// One ring, made on its thread and used by it alone. The contract is in engine/backend.hpp.
///
/// Who owns what: an operation is named by its `user` word (what it is, slot or listener, generation), so nothing needs
/// to be looked up or freed when it ends, but a gathered send's header. Buffers of receives belong to `ReceiveBuffers`.
/// A cancel is an operation of its own whose completion stays in here. `in_flight_` counts all of them.
template <class Sys>
class Port {
 public:
  static constexpr Capabilities capabilities{.platform = core::Platform::linux_os,
                                             .would_block = linux_errno::again,
                                             .multishot_accept = true,
                                             .multishot_receive = true,
                                             .sheds = true,
                                             .sees_reset_before_receive = true,
                                             .shares_port = true,
                                             .lends = true,
                                             .quiet_sends = true,
                                             .loses_completions = true};

  template <class... Arguments>
  explicit Port(Arguments&&... arguments) : sys_(std::forward<Arguments>(arguments)...) {}

  int open(const BackendConfig& config);
  TimePoint now() const noexcept { return sys_.now(); }

  bool accept(ListenerRef listener, bool multishot);
  bool poll_listener(ListenerRef listener);
  bool cancel_listener(ListenerRef listener);
  NativeHandle accept_now(ListenerRef listener, int& error);
  Shed shed(ListenerRef listener) {
    const int handle = descriptor(listener.handle);
    if (sys_.clients_waiting(handle) == 0) return Shed::nobody;
    return reserve_.shed(sys_, [&] { return sys_.accept_now(handle); });
  }
  bool take_reserve() noexcept { return reserve_.keep(sys_); }

  int attach(NativeHandle) noexcept { return 0; }
  bool receive(SlotRef slot);
  bool cancel_receive(SlotRef slot) { return cancel(user_of(Tag::receive, slot)); }
  bool send(SlotRef slot, std::span<const core::Buffer> buffers) { return post_send(slot, buffers, SendWay::waits); }
  bool send_lent(SlotRef slot, std::span<const core::Buffer> buffers, std::uint16_t buffer);
  bool send_quietly(SlotRef slot, core::Buffer buffer);
  /// A lent one needs none: it ends while it is submitted.
  bool cancel_send(SlotRef slot) {
    return cancel(user_of(sends_.in_flight(slot.index) ? Tag::gathered_send : Tag::send, slot));
  }
  void end_stream(SlotRef slot) noexcept { sys_.end_stream(descriptor(slot.handle)); }
  bool close(SlotRef slot, bool reset);
  void close_now(NativeHandle handle, bool reset) noexcept;

  std::span<const Completion> wait(std::optional<std::chrono::nanoseconds> timeout);
  int wait_error() const noexcept { return wait_error_; }
  int lost() const noexcept { return entries_lost() == 0 ? 0 : linux_errno::badr; }
  bool renew();
  void wake() noexcept { sys_.wake(); }
  void stop() noexcept;

  static int peer_name(NativeHandle handle, Address& address) noexcept {
    return Sys::peer_name(descriptor(handle), address);
  }

  Sys& sys() noexcept { return sys_; }
  std::uint64_t in_flight() const noexcept { return in_flight_; }

 private:
  enum class Tag : std::uint8_t {
    accept = 1,
    poll,
    receive,
    send,
    gathered_send,
    lent_send,
    gathered_lent_send,
    quiet_send,
    close,
    cancel,
    fence,
    doorbell
  };

  static constexpr unsigned submission_entries = 1024;
  static constexpr unsigned completion_entries = 8192;
  static constexpr unsigned batch = 512;
  static constexpr std::chrono::seconds time_to_renew{1};
  static constexpr std::chrono::seconds time_to_stop{10};
  enum class Left : std::uint8_t { unknown, asked, some, nothing };  // in flight, as a cancel of any has found

  static int descriptor(NativeHandle handle) noexcept { return static_cast<int>(handle); }
  static std::uint64_t user_of(Tag tag, std::uint32_t index, std::uint32_t generation) noexcept {
    return (std::uint64_t{static_cast<std::uint8_t>(tag)} << 56) | (std::uint64_t{index} << 32) | generation;
  }
  static std::uint64_t user_of(Tag tag, SlotRef slot) noexcept { return user_of(tag, slot.index, slot.generation); }
  static std::uint64_t user_of(Tag tag, ListenerRef listener) noexcept {
    return user_of(tag, listener.index, listener.generation);
  }

  int set_up_ring();
  template <class Post>
  bool post(Post&& post_once);
  bool post_send(SlotRef slot, std::span<const core::Buffer> buffers, SendWay way);
  bool cancel(std::uint64_t target);
  void translate(const kernel::Entry& entry);
  void translate_receive(const kernel::Entry& entry, Completion& completion);
  void cross(std::optional<std::chrono::nanoseconds> timeout);
  /// Since the port was opened, or renewed.
  std::uint32_t entries_lost() const noexcept { return sys_.entries_lost() - entries_lost_before_; }
  void reap();
  void end_quiet_sends() noexcept;
  bool end_all(std::chrono::seconds at_most) noexcept;
  bool drop_entries() noexcept;
  void drop(const kernel::Entry& entry) noexcept;

  Sys sys_;
  ReceiveBuffers<Sys> buffers_;
  posix::GatheredSends sends_;
  core::ShardCounters* counters_ = nullptr;
  std::array<Completion, QuietSends::most + batch> completions_;  // a batch of the ring's, behind the quiet sends
  std::size_t completion_first_ = 0;
  std::size_t completion_count_ = 0;
  QuietSends quiet_sends_;  // while they wait, a wait does not sleep
  std::uint64_t in_flight_ = 0;
  int wait_error_ = 0;
  posix::Reserve<Sys> reserve_;
  std::uint32_t entries_lost_before_ = 0;
  Left left_ = Left::unknown;
  bool has_buffers_ = true;
  bool doorbell_armed_ = false;
  bool multishot_receive_ = true;
  bool keeps_partial_sends_ = false;  // Linux 6.1: what a send that failed had sent before is told
  bool receive_proven_ = false;
};

template <class Sys>
int Port<Sys>::open(const BackendConfig& config) {
  counters_ = config.counters;
  if (const int error = set_up_ring(); error != 0) return -error;
  int error = -linux_errno::nomem;
  try {
    error = buffers_.open(sys_, config.receive_ring_bytes, config.receive_ring_bytes_max);
  } catch (const std::bad_alloc&) {
  }
  if (error != 0) {
    sys_.teardown();
    return -error;
  }
  take_reserve();
  return 0;
}

/// The flags that save most, then what older kernels know (io_uring_setup(2)); measured: without any, 8 to 78 % more
/// CPU.
template <class Sys>
int Port<Sys>::set_up_ring() {
  constexpr std::array flags{kernel::setup_single_issuer | kernel::setup_defer_taskrun, kernel::setup_coop_taskrun, 0U};
  int error = 0;
  for (const unsigned attempt : flags) {
    error = sys_.setup(submission_entries, completion_entries, attempt);
    keeps_partial_sends_ = error == 0 && (attempt & kernel::setup_defer_taskrun) != 0;
    if (error != -linux_errno::inval) break;
  }
  return error;
}

/// With the submission queue full: hands the kernel what is in it, and tries once more.
template <class Sys>
template <class Post>
bool Port<Sys>::post(Post&& post_once) {
  if (!post_once()) {
    sys_.submit();
    if (lost() != 0) drop_entries();  // of many cancels; they must not overflow the ring again
    if (!post_once()) return false;
  }
  ++in_flight_;
  return true;
}

template <class Sys>
bool Port<Sys>::accept(ListenerRef listener, bool multishot) {
  return post([&] { return sys_.accept(descriptor(listener.handle), multishot, user_of(Tag::accept, listener)); });
}

template <class Sys>
bool Port<Sys>::poll_listener(ListenerRef listener) {
  return post([&] { return sys_.poll(descriptor(listener.handle), user_of(Tag::poll, listener)); });
}

template <class Sys>
bool Port<Sys>::cancel(std::uint64_t target) {
  // All of that name: the single accepts of a pool share theirs.
  return post([&] { return sys_.cancel_all(target, user_of(Tag::cancel, 0, 0)); });
}

template <class Sys>
bool Port<Sys>::cancel_listener(ListenerRef listener) {
  return cancel(user_of(Tag::accept, listener)) && cancel(user_of(Tag::poll, listener));
}

template <class Sys>
NativeHandle Port<Sys>::accept_now(ListenerRef listener, int& error) {
  const int accepted = sys_.accept_now(descriptor(listener.handle));
  error = accepted < 0 ? -accepted : 0;
  return accepted < 0 ? no_handle : accepted;
}

template <class Sys>
bool Port<Sys>::receive(SlotRef slot) {
  return post([&] {
    return sys_.receive(descriptor(slot.handle), ReceiveBuffers<Sys>::group, multishot_receive_,
                        user_of(Tag::receive, slot));
  });
}

template <class Sys>
bool Port<Sys>::post_send(SlotRef slot, std::span<const core::Buffer> buffers, SendWay way) {
  const bool waits = way == SendWay::waits;
  const posix::MessageHeader* header = buffers.size() == 1 ? nullptr : sends_.start(slot.index, buffers);
  if (header == nullptr) {  // one buffer; or no memory for a header: the first one alone is a prefix too
    return post([&] {
      const Tag tag = waits ? Tag::send : Tag::lent_send;
      return sys_.send(descriptor(slot.handle), buffers[0].bytes, buffers[0].size, way, user_of(tag, slot));
    });
  }
  const std::uint64_t user = user_of(waits ? Tag::gathered_send : Tag::gathered_lent_send, slot);
  if (post([&] { return sys_.send_gathered(descriptor(slot.handle), *header, way, user); })) return true;
  sends_.ended(slot.index);
  return false;
}

template <class Sys>
bool Port<Sys>::send_lent(SlotRef slot, std::span<const core::Buffer> buffers, std::uint16_t buffer) {
  if (!buffers_.hold(buffer, slot.index)) return false;
  if (post_send(slot, buffers, SendWay::at_once)) return true;
  buffers_.let_go(slot.index);
  return false;
}

template <class Sys>
bool Port<Sys>::send_quietly(SlotRef slot, core::Buffer buffer) {
  const auto post_as = [&](SendWay way, std::uint64_t user) {
    return post([&] { return sys_.send(descriptor(slot.handle), buffer.bytes, buffer.size, way, user); });
  };
  if (!keeps_partial_sends_ || !quiet_sends_.have_room()) return post_as(SendWay::at_once, user_of(Tag::send, slot));
  const std::uint64_t user = user_of(Tag::quiet_send, quiet_sends_.next_place(), slot.generation);
  if (!post_as(SendWay::quiet, user)) return false;
  quiet_sends_.posted(slot, buffer.size);
  return true;
}

template <class Sys>
bool Port<Sys>::close(SlotRef slot, bool reset) {
  if (reset) sys_.reset_on_close(descriptor(slot.handle));
  return post([&] { return sys_.close(descriptor(slot.handle), user_of(Tag::close, slot)); });
}

template <class Sys>
void Port<Sys>::close_now(NativeHandle handle, bool reset) noexcept {
  if (reset) sys_.reset_on_close(descriptor(handle));
  sys_.close_now(descriptor(handle));
}

template <class Sys>
std::span<const Completion> Port<Sys>::wait(std::optional<std::chrono::nanoseconds> timeout) {
  completion_first_ = completion_count_ = 0;
  if (lost() != 0) {  // while a full queue was submitted; or it could not be renewed, and must not spin
    wait_error_ = lost();
    sys_.pause();
    return {};
  }
  if (!has_buffers_) has_buffers_ = buffers_.restart(sys_) == 0;
  if (has_buffers_) buffers_.recycle(sys_);
  // Posted again after each ring, a read of the doorbell can't be lost to an overflowing queue; if there was no room,
  // the next turn has some.
  if (!doorbell_armed_) doorbell_armed_ = post([&] { return sys_.read_doorbell(user_of(Tag::doorbell, 0, 0)); });
  const bool may_sleep = doorbell_armed_ && !quiet_sends_.wait();
  cross(may_sleep ? timeout : std::chrono::nanoseconds{0});
  return std::span{completions_}.first(completion_count_).subspan(completion_first_);
}

template <class Sys>
void Port<Sys>::cross(std::optional<std::chrono::nanoseconds> timeout) {
  const int result = sys_.submit_and_wait(timeout);
  const bool harmless =
      result >= 0 || result == -linux_errno::time || result == -linux_errno::intr || result == -linux_errno::again ||
      result == -linux_errno::busy;  // EAGAIN, EBUSY: reap first, the rest is submitted with the next turn
  // A call that submits less than was posted ends there, before it looks for what has ended. Requests that are freed by
  // that may be what the next one needs.
  if (sys_.has_submissions()) sys_.get_events();
  wait_error_ = harmless ? 0 : -result;
  if (!harmless) sys_.pause();  // a loop that can't wait must not spin
  if (sys_.completions_overflowed()) counters_->completion_overflows.add();
  completion_first_ = completion_count_ = quiet_sends_.count();
  const std::uint64_t before = in_flight_;
  reap();
  if (lost() != 0) {  // it may have said that a quiet send has failed
    wait_error_ = lost();
    return;
  }
  end_quiet_sends();
  const bool nothing_came = completion_count_ == completion_first_ && in_flight_ == before;
  if (nothing_came && sys_.has_submissions()) sys_.pause();  // no memory for requests: it must not spin either
}

/// A batch, however small the ring is: what had overflowed comes with another call only (io_uring_enter(2),
/// IORING_SQ_CQ_OVERFLOW), and would wait behind what each turn brings. None once one was lost: with it, what it said
/// of a receive buffer, so where the bytes of the next ones lie is not known.
template <class Sys>
void Port<Sys>::reap() {
  unsigned taken = 0;
  const auto take = [&](const kernel::Entry& entry) {
    ++taken;
    translate(entry);
  };
  if (lost() == 0) sys_.reap(batch, take);
  for (unsigned before = 0; taken != before && taken < batch && sys_.completions_overflowed();) {
    before = taken;
    sys_.get_events();
    if (lost() == 0) sys_.reap(batch - taken, take);
  }
}

/// They come first: they ended while they were submitted. The fence, a cancel of what is not there, ends as it is
/// submitted, and entries come in order, also those that overflow (Linux 6.1, which quiet sends need anyway).
template <class Sys>
void Port<Sys>::end_quiet_sends() noexcept {
  if (quiet_sends_.count() == 0) return;
  const bool left = sys_.has_entries() || sys_.completions_overflowed();
  const std::size_t ended = quiet_sends_.end(!sys_.has_submissions(), left, completions_);
  const auto post_fence = [&] { return sys_.cancel_all(user_of(Tag::fence, 1, 0), user_of(Tag::fence, 0, 0)); };
  if (quiet_sends_.want_fence() && post(post_fence)) quiet_sends_.fence_posted();
  in_flight_ -= ended;
  completion_first_ -= ended;
}

template <class Sys>
void Port<Sys>::translate(const kernel::Entry& entry) {
  const bool more = (entry.flags & kernel::entry_more) != 0;
  if (!more) {
    assert(in_flight_ > 0);
    --in_flight_;
  }
  Completion& completion = completions_[completion_count_];
  completion.more = more;
  completion.error = entry.result < 0 ? -entry.result : 0;
  completion.bytes = entry.result < 0 ? 0 : static_cast<std::uint32_t>(entry.result);
  completion.target = static_cast<std::uint32_t>(entry.user >> 32) & 0xffffffU;
  completion.generation = static_cast<std::uint32_t>(entry.user);
  switch (static_cast<Tag>(entry.user >> 56)) {
    case Tag::receive:
      translate_receive(entry, completion);
      break;
    case Tag::gathered_lent_send:
      sends_.ended(completion.target);
      [[fallthrough]];
    case Tag::lent_send:
      buffers_.let_go(completion.target);
      completion.operation = Operation::send;
      break;
    case Tag::quiet_send:
      quiet_sends_.failed(completion.target, completion.error, completion.bytes);
      ++in_flight_;  // until its end is told
      return;
    case Tag::gathered_send:
      sends_.ended(completion.target);
      [[fallthrough]];
    case Tag::send:
      completion.operation = Operation::send;
      break;
    case Tag::accept:
      completion.operation = Operation::accept;
      completion.accepted = entry.result < 0 ? no_handle : entry.result;
      break;
    case Tag::close:
      completion.operation = Operation::close;
      break;
    case Tag::poll:
      completion.operation = Operation::poll_listener;
      break;
    case Tag::cancel:
      return;
    case Tag::fence:
      return quiet_sends_.fence_passed();
    case Tag::doorbell:
      doorbell_armed_ = false;
      return;
  }
  ++completion_count_;
}

template <class Sys>
void Port<Sys>::translate_receive(const kernel::Entry& entry, Completion& completion) {
  completion.operation = Operation::receive;
  if ((entry.flags & kernel::entry_has_buffer) != 0) {
    completion.received = buffers_.take(entry).data();
    completion.buffer = buffers_.id_of(entry);
  }
  if (entry.result >= 0) {
    receive_proven_ = true;
    return;
  }
  if (completion.error == linux_errno::nobufs) {
    // All buffers are lent or full. They come back with the next wait, before the receive that the core posts again:
    // nothing is wrong.
    counters_->receive_buffers_empty.add();
    buffers_.grow();
    completion.error = linux_errno::again;
  } else if (completion.error == linux_errno::inval && !receive_proven_) {
    // A kernel before 6.0 knows no multishot receive. Several may have been posted before the first one says so.
    multishot_receive_ = false;
    completion.error = linux_errno::again;
  }
}

}  // namespace iocpp::io_uring

#include "backend/io_uring/ending.hpp"

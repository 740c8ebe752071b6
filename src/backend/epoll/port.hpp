// The epoll completion port: completions made of readiness, without a header of the system.
#pragma once

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "backend/epoll/finished.hpp"
#include "backend/epoll/kernel.hpp"
#include "backend/epoll/receive_space.hpp"
#include "backend/epoll/streams.hpp"
#include "backend/posix/gathered_sends.hpp"
#include "backend/posix/reserve.hpp"
#include "base/native_codes.hpp"
#include "engine/backend.hpp"

namespace iocpp::epoll {

using engine::BackendConfig;
using engine::Capabilities;
using engine::Completion;
using engine::ListenerRef;
using engine::Operation;
using engine::Shed;
using engine::SlotRef;

/// One epoll instance, used by its thread alone. The contract is in engine/backend.hpp.
///
/// Each connection and listener is registered once, edge-triggered, for all that can happen to it; what an edge says is
/// kept as a flag until a call answers EAGAIN. So nothing that nobody asks for (a paused connection's input, its
/// hang-up) is told twice, and no operation costs an epoll_ctl.
///
/// A send is tried when it is posted; receives and accepts are tried in `wait` only, when the flag is set. What ends
/// inside a posting call is kept in `finished_` and told by the next `wait`. Nothing is ever in flight in the kernel:
/// `in_flight_` counts the operations that wait here for readiness.
template <class Sys>
class Port {
 public:
  static constexpr Capabilities capabilities{.platform = core::Platform::linux_os,
                                             .would_block = linux_errno::again,
                                             .multishot_accept = true,
                                             .multishot_receive = true,
                                             .sheds = true,
                                             .sees_reset_before_receive = true,
                                             .lends = true,
                                             .quiet_sends = true};

  template <class... Arguments>
  explicit Port(Arguments&&... arguments) : sys_(std::forward<Arguments>(arguments)...) {}

  int open(const BackendConfig& config);
  TimePoint now() const noexcept { return sys_.now(); }

  // accepting.hpp
  bool accept(ListenerRef listener, bool multishot);
  bool poll_listener(ListenerRef listener);
  bool cancel_listener(ListenerRef listener);
  NativeHandle accept_now(ListenerRef listener, int& error);
  Shed shed(ListenerRef listener);
  bool take_reserve() noexcept { return reserve_.keep(sys_); }

  /// Whatever mode the handle is in: no call on it may wait (MSG_DONTWAIT), and its slot's first operation registers
  /// it.
  int attach(NativeHandle) noexcept { return 0; }

  // transferring.hpp
  bool receive(SlotRef slot);
  bool cancel_receive(SlotRef slot);
  bool send(SlotRef slot, std::span<const core::Buffer> buffers);
  bool send_lent(SlotRef slot, std::span<const core::Buffer> buffers, std::uint16_t buffer);
  bool send_quietly(SlotRef slot, core::Buffer buffer);
  bool cancel_send(SlotRef slot);
  void end_stream(SlotRef slot) noexcept { sys_.end_stream(descriptor(slot.handle)); }
  bool close(SlotRef slot, bool reset);
  void close_now(NativeHandle handle, bool reset) noexcept;

  std::span<const Completion> wait(std::optional<std::chrono::nanoseconds> timeout);
  int wait_error() const noexcept { return wait_error_; }
  void wake() noexcept { sys_.wake(); }
  void stop() noexcept;

  static int peer_name(NativeHandle handle, Address& address) noexcept {
    return Sys::peer_name(descriptor(handle), address);
  }

  Sys& sys() noexcept { return sys_; }
  std::uint64_t in_flight() const noexcept { return in_flight_; }

 private:
  enum class Tag : std::uint8_t { doorbell = 1, listener, stream };

  /// What is known of a listener. It begins anew with each generation.
  struct Listening {
    int descriptor = -1;
    std::uint32_t generation = 0;
    unsigned accepts = 0;  ///< In flight.
    bool multishot = false;
    bool polling = false;
    bool watched = false;
    bool readable = false;  ///< A client may wait. False: the kernel will tell.
    bool untried = false;   ///< An accept was posted: it is tried, and finds the handle limit before a client does.

    bool ready() const noexcept { return (accepts != 0 && (readable || untried)) || (polling && readable); }
  };

  // What one connection or listener may have of a turn, so that the others get theirs.
  static constexpr std::size_t bytes_a_turn = 256U << 10;
  static constexpr unsigned receives_a_turn = 8;
  static constexpr unsigned accepts_a_turn = 64;

  static int descriptor(NativeHandle handle) noexcept { return static_cast<int>(handle); }
  static std::uint64_t user_of(Tag tag, std::uint32_t index, std::uint32_t generation) noexcept {
    return (std::uint64_t{static_cast<std::uint8_t>(tag)} << 56) | (std::uint64_t{index} << 32) | generation;
  }

  Listening* listening(ListenerRef listener) noexcept;
  int watch(std::uint32_t index, Listening& listening) noexcept;
  void unwatch_listener(int descriptor) noexcept;
  void accept_clients() noexcept;
  void accept_clients(std::uint32_t index, Listening& listening) noexcept;
  int accept_noting_the_last(Listening& listening) noexcept;

  int watch(std::uint32_t index, Stream& stream) noexcept;
  int send_now(const Stream& stream, std::span<const core::Buffer> buffers) noexcept;
  bool wait_until_writable(std::uint32_t index, Stream& stream, std::span<const core::Buffer> buffers);
  void serve_streams() noexcept;
  void serve(std::uint32_t index) noexcept;
  void receive_some(std::uint32_t index, Stream& stream) noexcept;
  void received_nothing(std::uint32_t index, Stream& stream, int result) noexcept;
  void send_waiting(std::uint32_t index, Stream& stream) noexcept;

  void cross(std::optional<std::chrono::nanoseconds> timeout) noexcept;
  int wait_for_events(std::optional<std::chrono::nanoseconds> timeout) noexcept;
  void note(const kernel::Event& event) noexcept;
  void note_listener(std::uint32_t index, std::uint32_t generation) noexcept;
  void note_stream(std::uint32_t index, std::uint32_t generation, std::uint32_t what) noexcept;

  /// `result`: a number of bytes, or a negative errno.
  static Completion completion(Operation operation, std::uint32_t index, std::uint32_t generation,
                               int result) noexcept {
    Completion told;
    told.operation = operation;
    told.error = result < 0 ? -result : 0;
    told.target = index;
    told.generation = generation;
    told.bytes = result < 0 ? 0 : static_cast<std::uint32_t>(result);
    return told;
  }

  Sys sys_;
  Streams streams_;
  std::vector<Listening> listeners_;
  posix::GatheredSends sends_;  // those that wait until they are writable
  ReceiveSpace space_;
  Finished finished_;
  core::ShardCounters* counters_ = nullptr;
  std::uint64_t in_flight_ = 0;
  int wait_error_ = 0;
  posix::Reserve<Sys> reserve_;
  bool accepts_ready_ = false;  // a listener that may have a client has an accept or a poll in flight
  bool crossed_ = true;         // the last wait has asked the kernel
  bool fine_waits_ = true;
};

template <class Sys>
int Port<Sys>::open(const BackendConfig& config) {
  counters_ = config.counters;
  if (!finished_.open()) return linux_errno::nomem;
  if (const int error = sys_.setup(); error < 0) return -error;
  // Never read, it stays readable; each ring is an edge, and so is one before this (eventfd(2), epoll(7)).
  const int error = sys_.watch_doorbell(kernel::readable | kernel::edge_triggered, user_of(Tag::doorbell, 0, 0));
  if (error < 0 || !space_.open(config.receive_ring_bytes, config.receive_ring_bytes_max)) {
    sys_.teardown();
    return error < 0 ? -error : linux_errno::nomem;
  }
  take_reserve();
  return 0;
}

template <class Sys>
std::span<const Completion> Port<Sys>::wait(std::optional<std::chrono::nanoseconds> timeout) {
  space_.recycle();
  finished_.begin_wait();
  const bool more_to_do = accepts_ready_ || streams_.any_queued();
  // Where all that there is to tell has ended by itself, the kernel is asked next time: sends that go out at once cost
  // no empty call, and whoever sends without end keeps nobody waiting for more than one turn.
  crossed_ = !finished_.telling() || more_to_do || !crossed_;
  if (crossed_) cross(finished_.telling() || more_to_do ? std::chrono::nanoseconds{0} : timeout);
  accept_clients();
  serve_streams();
  return finished_.told();
}

template <class Sys>
void Port<Sys>::cross(std::optional<std::chrono::nanoseconds> timeout) noexcept {
  const int result = wait_for_events(timeout);
  wait_error_ = result >= 0 || result == -linux_errno::intr ? 0 : -result;
  if (wait_error_ != 0) sys_.pause();  // a loop that can't wait must not spin
  sys_.each_event(result, [this](const kernel::Event& event) { note(event); });
}

template <class Sys>
int Port<Sys>::wait_for_events(std::optional<std::chrono::nanoseconds> timeout) noexcept {
  if (fine_waits_) {
    const int result = sys_.wait(timeout);
    // A kernel before 5.11, or a seccomp filter that is older than the call and answers EPERM to what it doesn't know.
    if (result != -linux_errno::nosys && result != -linux_errno::perm) return result;
    fine_waits_ = false;
  }
  if (!timeout) return sys_.wait_coarsely(-1);
  // Rounded up: a wait that ends before its time would be one more, and another, until it has passed.
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(*timeout).count();
  return sys_.wait_coarsely(static_cast<int>(std::min<std::int64_t>(milliseconds, std::numeric_limits<int>::max())));
}

template <class Sys>
void Port<Sys>::note(const kernel::Event& event) noexcept {
  const auto index = static_cast<std::uint32_t>(event.user >> 32) & 0xffffffU;
  const auto generation = static_cast<std::uint32_t>(event.user);
  switch (static_cast<Tag>(event.user >> 56)) {
    case Tag::doorbell:
      return;
    case Tag::listener:
      return note_listener(index, generation);
    case Tag::stream:
      return note_stream(index, generation, event.what);
  }
}

template <class Sys>
void Port<Sys>::note_listener(std::uint32_t index, std::uint32_t generation) noexcept {
  if (index >= listeners_.size() || listeners_[index].generation != generation)
    return counters_->stale_completions.add();
  listeners_[index].readable = true;
  accepts_ready_ = true;
}

/// A registration outlives its descriptor where a child process has a copy of it (epoll(7), question 6): so an event
/// may come for a connection that was closed, and whose slot and number are another's.
template <class Sys>
void Port<Sys>::note_stream(std::uint32_t index, std::uint32_t generation, std::uint32_t what) noexcept {
  Stream* stream = streams_.find(index, generation);
  if (stream == nullptr) return counters_->stale_completions.add();
  constexpr std::uint32_t ended = kernel::error | kernel::hang_up;
  if ((what & ~kernel::writable) != 0) stream->readable = true;
  if ((what & (kernel::writable | ended)) != 0) stream->writable = true;
  // The end, or an error, comes after the bytes; a receive stops at an urgent byte (recv(2), tcp(7)).
  if ((what & (ended | kernel::peer_hang_up | kernel::urgent)) != 0) stream->to_the_end = true;
  if (stream->ready()) streams_.enqueue(index);
}

/// The engine has ended every operation that it knows of.
template <class Sys>
void Port<Sys>::stop() noexcept {
  assert(in_flight_ == 0);
  sys_.teardown();
  reserve_.close(sys_);
}

}  // namespace iocpp::epoll

#include "backend/epoll/accepting.hpp"
#include "backend/epoll/transferring.hpp"

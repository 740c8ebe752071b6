// The IOCP completion port: every decision about the system's port, without a header of the system.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "backend/iocp/accepts.hpp"
#include "backend/iocp/gathered_sends.hpp"
#include "backend/iocp/kernel.hpp"
#include "backend/iocp/operation.hpp"
#include "backend/iocp/receives.hpp"
#include "base/native_codes.hpp"
#include "engine/backend.hpp"

namespace iocpp::iocp {

using engine::BackendConfig;
using engine::Capabilities;
using engine::ListenerRef;
using engine::Shed;

/// One completion port of the system, used by one thread. The contract is in engine/backend.hpp.
///
/// Who owns what: what the system may write to is an `Operation` in one of the three pools, from the posting call until
/// its packet was dequeued; `in_flight_` counts those. What ended without a packet (a post that failed, a send that
/// completed inline, a close) is a completion in `finished_`, and comes out of the next wait.
template <class Sys>
class Port {
 public:
  // Wine 8 says "end of the stream" of a reset that came before the receive; so nothing is promised here.
  static constexpr Capabilities capabilities{.platform = core::Platform::windows_os,
                                             .would_block = windows_error::wsaewouldblock,
                                             .multishot_accept = false,
                                             .multishot_receive = true,
                                             .sheds = false,
                                             .sees_reset_before_receive = false,
                                             .shares_port = false};

  template <class... Arguments>
  explicit Port(Arguments&&... arguments) : sys_(std::forward<Arguments>(arguments)...) {}

  int open(const BackendConfig& config);
  TimePoint now() const noexcept { return sys_.now(); }

  bool accept(ListenerRef listener, bool multishot);
  /// Is for shedding only, which there is none here.
  bool poll_listener(ListenerRef) noexcept { return false; }
  bool cancel_listener(ListenerRef listener) noexcept;
  NativeHandle accept_now(ListenerRef listener, int& error);
  Shed shed(ListenerRef) noexcept { return Shed::failed; }
  bool take_reserve() noexcept { return true; }

  int attach(NativeHandle handle) noexcept;
  bool receive(SlotRef slot) noexcept { return receives_.start(slot); }
  bool cancel_receive(SlotRef slot) noexcept { return receives_.cancel(sys_, slot); }
  bool send(SlotRef slot, std::span<const core::Buffer> buffers);
  bool cancel_send(SlotRef slot) noexcept;
  void end_stream(SlotRef slot) noexcept { sys_.end_stream(slot.handle); }
  bool close(SlotRef slot, bool reset);
  void close_now(NativeHandle handle, bool reset) noexcept;

  std::span<const Completion> wait(std::optional<std::chrono::nanoseconds> timeout);
  int wait_error() const noexcept { return wait_error_; }
  void wake() noexcept;
  void stop() noexcept;

  static int peer_name(NativeHandle handle, Address& address) noexcept { return Sys::peer_name(handle, address); }

  Sys& sys() noexcept { return sys_; }
  std::uint64_t in_flight() const noexcept { return in_flight_; }

  /// No wait sleeps longer: a wake that the system could not post, while nobody else's came, is late by this at most.
  static constexpr std::chrono::milliseconds longest_sleep{1000};

 private:
  static constexpr std::size_t batch = 128;
  static constexpr std::size_t completions_at_start = 1024;
  static constexpr std::size_t completions_a_crossing = 2 * batch;  // bytes, and an end, of each packet
  /// A send is pending until all of it has left, and progress is seen no sooner: by close(), which is patient as long
  /// as there is some, and by whoever counts what was not sent.
  static constexpr std::size_t send_bytes_max = 512U << 10;
  static constexpr unsigned wait_errors_before_giving_up = 1024;

  /// What the port found out about a listener; valid for one generation.
  struct Listening {
    std::uint32_t generation = 0;
    int family = 0;
    bool nonblocking = false;
  };

  int prepare(ListenerRef listener);
  int post(Accept& accept, ListenerRef listener);
  void set_options(NativeHandle client) noexcept;
  bool cancel(Operation& operation) noexcept;
  void finish(const Operation& operation, engine::Operation what, int error, std::uint32_t bytes);
  static std::uint32_t milliseconds_of(std::optional<std::chrono::nanoseconds> timeout) noexcept;
  void cross(std::optional<std::chrono::nanoseconds> timeout);
  void translate(const kernel::Entry& entry);
  void accepted(Accept& accept, int error);
  void sent(GatheredSend& send, int error, std::uint32_t bytes);

  Sys sys_;
  Accepts accepts_;
  Receives<Sys> receives_;
  GatheredSends sends_;
  std::vector<Listening> listening_;
  engine::SocketOptions options_;
  Completions finished_;     // for the next wait
  Completions completions_;  // lent until the next wait
  std::uint64_t in_flight_ = 0;
  int wait_error_ = 0;
  bool skips_ = false;  // inline success posts no packet
  bool asked_ = false;  // the last wait crossed into the system
  std::atomic<bool> wake_posted_{false};
  std::atomic<bool> wake_failed_{false};
};

template <class Sys>
int Port<Sys>::open(const BackendConfig& config) {
  options_ = config.sockets;
  // With a provider whose handles are none of the system's, inline success would be lost (golang/go#22149).
  skips_ = sys_.provider_has_system_handles();
  receives_.open(config.receive_ring_bytes, config.posted_receive_bytes, skips_);
  finished_.reserve(completions_at_start);
  completions_.reserve(completions_at_start);
  return 0;
}

/// Before the first accept on a listener, and again when it was made anew.
template <class Sys>
int Port<Sys>::prepare(ListenerRef listener) {
  if (listener.index >= listening_.size()) listening_.resize(listener.index + 1);
  Listening& known = listening_[listener.index];
  if (known.generation == listener.generation) return 0;
  int family = 0;
  if (const int error = sys_.family_of(listener.handle, family); error != 0) return error;
  if (const int error = sys_.find_accept(listener.handle); error != 0) return error;
  const int error = sys_.associate(listener.handle);
  // It belongs to another port for good: of no use to this one, to be made anew.
  if (error == kernel::invalid_parameter) return windows_error::wsaeinval;
  if (error == 0) known = {.generation = listener.generation, .family = family};
  return error;
}

/// What fails here is this accept's completion, so that whoever classifies outcomes sees it.
template <class Sys>
bool Port<Sys>::accept(ListenerRef listener, [[maybe_unused]] bool multishot) {
  assert(!multishot);
  Accept* accept = has_room(finished_, 1) ? accepts_.take() : nullptr;
  if (accept == nullptr) return false;
  accept->start(Operation::Kind::accept, {listener.index, listener.generation, listener.handle});
  if (const int error = post(*accept, listener); error != 0) {
    if (accept->socket != no_handle) sys_.close_now(accept->socket);
    finish(*accept, engine::Operation::accept, error, 0);
    finished_.back().accepted = no_handle;
    accepts_.release(*accept);
  }
  return true;
}

/// 0: there will be a packet. Inline success posts one too, since a listener is never told to skip it.
template <class Sys>
int Port<Sys>::post(Accept& accept, ListenerRef listener) {
  if (const int error = prepare(listener); error != 0) return error;
  int error = 0;
  accept.socket = sys_.make_socket(listening_[listener.index].family, error);
  if (accept.socket == no_handle) return error;
  error = sys_.accept(listener.handle, accept.socket, accept.addresses.data(), accept.overlapped);
  if (error != 0 && error != kernel::io_pending) return error;
  accept.in_flight = true;
  ++in_flight_;
  return 0;
}

/// A packet that is in the port already is not found: that is as good.
template <class Sys>
bool Port<Sys>::cancel(Operation& operation) noexcept {
  const int error = sys_.cancel(operation.handle, &operation.overlapped);
  return error == 0 || error == windows_error::not_found;
}

/// One by one: a lost listener's number may be a client's by now, whose operations are not meant. A listener that is
/// gone has ended its accepts already.
template <class Sys>
bool Port<Sys>::cancel_listener(ListenerRef listener) noexcept {
  bool all = true;
  accepts_.for_each_in_flight([&](Accept& accept) {
    if (accept.target != (listener.index & 0xffffffU) || accept.generation != listener.generation) return;
    const int error = sys_.cancel(accept.handle, &accept.overlapped);
    all = all && error != windows_error::not_enough_memory && error != windows_error::no_system_resources;
  });
  return all;
}

template <class Sys>
NativeHandle Port<Sys>::accept_now(ListenerRef listener, int& error) {
  error = prepare(listener);
  if (error != 0) return no_handle;
  Listening& known = listening_[listener.index];
  if (!known.nonblocking) known.nonblocking = sys_.set_nonblocking(listener.handle) == 0;
  if (!known.nonblocking) return error = windows_error::wsaewouldblock, no_handle;
  const NativeHandle client = sys_.accept_now(listener.handle, error);
  if (client != no_handle) set_options(client);
  return client;
}

/// They may fail where the client has left again: its first receive tells.
template <class Sys>
void Port<Sys>::set_options(NativeHandle client) noexcept {
  if (options_.tcp_nodelay) sys_.set_nodelay(client);
  if (options_.keepalive.count() > 0)
    sys_.set_keepalive(client, static_cast<std::uint32_t>(options_.keepalive.count()));
  if (options_.receive_buffer != 0) sys_.set_receive_buffer(client, static_cast<int>(options_.receive_buffer));
  if (options_.send_buffer != 0) sys_.set_send_buffer(client, static_cast<int>(options_.send_buffer));
}

template <class Sys>
int Port<Sys>::attach(NativeHandle handle) noexcept {
  if (const int error = sys_.associate(handle); error != 0) return error;
  return skips_ ? sys_.skip_packet_on_success(handle) : 0;
}

template <class Sys>
void Port<Sys>::finish(const Operation& operation, engine::Operation what, int error, std::uint32_t bytes) {
  finished_.push_back(operation.completion(what, error));
  finished_.back().bytes = bytes;
}

template <class Sys>
bool Port<Sys>::send(SlotRef slot, std::span<const core::Buffer> buffers) {
  GatheredSend* send = has_room(finished_, 1) ? sends_.start(slot, buffers, send_bytes_max) : nullptr;
  if (send == nullptr) return false;
  std::uint32_t bytes = 0;
  // Wine 8 fills the count in from the OVERLAPPED after it posted the packet: only asked for where there is none.
  const int error = sys_.send(slot.handle, send->used(), skips_ ? &bytes : nullptr, send->overlapped);
  if (error == kernel::io_pending || (error == 0 && !skips_)) {
    ++in_flight_;
    return true;
  }
  finish(*send, engine::Operation::send, error, error == 0 ? bytes : 0);
  sends_.ended(*send);
  return true;
}

template <class Sys>
bool Port<Sys>::cancel_send(SlotRef slot) noexcept {
  GatheredSend* send = sends_.of(slot.index);
  return send == nullptr || cancel(*send);
}

template <class Sys>
bool Port<Sys>::close(SlotRef slot, bool reset) {
  assert(!receives_.in_flight(slot.index) && sends_.of(slot.index) == nullptr);
  if (!has_room(finished_, 1)) return false;
  close_now(slot.handle, reset);
  Completion& completion = finished_.emplace_back();
  completion.operation = engine::Operation::close;
  completion.target = slot.index;
  completion.generation = slot.generation;
  return true;
}

template <class Sys>
void Port<Sys>::close_now(NativeHandle handle, bool reset) noexcept {
  if (reset) sys_.reset_on_close(handle);
  sys_.close_now(handle);
}

template <class Sys>
std::span<const Completion> Port<Sys>::wait(std::optional<std::chrono::nanoseconds> timeout) {
  std::swap(completions_, finished_);
  finished_.clear();
  receives_.recycle();
  in_flight_ += receives_.arm(sys_, completions_);
  wait_error_ = 0;
  // With something to hand out already, every second wait asks the system too: it costs a call, and nobody starves.
  const bool something = !completions_.empty() || receives_.any_ready();
  asked_ = !(something && asked_) && has_room(completions_, completions_a_crossing);
  if (asked_) cross(something ? std::chrono::nanoseconds{0} : timeout);
  receives_.read(sys_, completions_);
  return completions_;
}

/// Rounded up: a timer must not be waited for in many waits of nothing.
template <class Sys>
std::uint32_t Port<Sys>::milliseconds_of(std::optional<std::chrono::nanoseconds> timeout) noexcept {
  const auto longest = std::chrono::nanoseconds{longest_sleep};
  const auto wanted = std::min(timeout.value_or(longest), longest);
  return static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::milliseconds>(wanted).count());
}

template <class Sys>
void Port<Sys>::cross(std::optional<std::chrono::nanoseconds> timeout) {
  if (wake_failed_.exchange(false)) timeout = std::chrono::nanoseconds{0};
  std::array<kernel::Entry, batch> entries;
  std::uint32_t count = 0;
  const int error = sys_.wait(entries, count, milliseconds_of(timeout));
  if (error != 0) {
    wait_error_ = error == kernel::wait_timeout ? 0 : error;
    if (wait_error_ != 0) sys_.pause();  // a loop that can't wait must not spin
    return;                              // whatever the count says: Wine 8 says 1
  }
  for (const kernel::Entry& entry : std::span{entries}.first(count)) translate(entry);
}

/// A packet of a failed operation is a packet like any other; only those of `wake` have no operation.
template <class Sys>
void Port<Sys>::translate(const kernel::Entry& entry) {
  if (entry.overlapped == nullptr) {
    // Reads what the waker wrote: its message is seen by whoever looks after this wait.
    wake_posted_.exchange(false);
    return;
  }
  assert(in_flight_ > 0);
  --in_flight_;
  Operation& operation = Operation::of(*entry.overlapped);
  const int error = entry.overlapped->status == 0 ? 0 : Sys::error_of(*entry.overlapped);
  switch (operation.kind) {
    case Operation::Kind::accept:
      return accepted(static_cast<Accept&>(operation), error);
    case Operation::Kind::receive:
      return receives_.fired(static_cast<Receive&>(operation), error, entry.bytes, completions_);
    case Operation::Kind::send:
      return sent(static_cast<GatheredSend&>(operation), error, entry.bytes);
  }
}

/// The context comes before anything else is done to the socket (AcceptEx, remarks). The client may have left before:
/// 10057, which ended the ancestor's accepting; here it is this accept's outcome.
template <class Sys>
void Port<Sys>::accepted(Accept& accept, int error) {
  accept.in_flight = false;
  if (error == 0) error = sys_.update_accept_context(accept.socket, accept.handle);
  Completion& completion = completions_.emplace_back(accept.completion(engine::Operation::accept, error));
  completion.accepted = error == 0 ? accept.socket : no_handle;
  if (error == 0) {
    set_options(accept.socket);
  } else {
    sys_.close_now(accept.socket);
  }
  accepts_.release(accept);
}

template <class Sys>
void Port<Sys>::sent(GatheredSend& send, int error, std::uint32_t bytes) {
  Completion& completion = completions_.emplace_back(send.completion(engine::Operation::send, error));
  completion.bytes = error == 0 ? bytes : 0;
  sends_.ended(send);
}

/// One packet is enough until it was dequeued. Where it can't be posted, the next wake tries again, the next wait does
/// not sleep, and one that sleeps already does so for `longest_sleep` at most.
template <class Sys>
void Port<Sys>::wake() noexcept {
  if (wake_posted_.exchange(true)) return;
  if (sys_.post_wake() == 0) return;
  wake_failed_.store(true);
  wake_posted_.store(false);
}

/// Everything that the engine knows of is closed already; what is left was cancelled with a lost listener, or is
/// cancelled now.
template <class Sys>
void Port<Sys>::stop() noexcept {
  const auto cancel_it = [this](Operation& operation) { cancel(operation); };
  accepts_.for_each_in_flight(cancel_it);
  receives_.for_each_armed(cancel_it);
  sends_.for_each_in_flight(cancel_it);
  for (unsigned errors = 0; in_flight_ != 0 && errors < wait_errors_before_giving_up;
       errors += wait_error_ != 0 ? 1U : 0U) {
    completions_.clear();
    wait_error_ = 0;
    cross(std::nullopt);  // what `open` has reserved is room enough
    for (const Completion& completion : completions_) {
      if (completion.operation == engine::Operation::accept && completion.error == 0)
        close_now(completion.accepted, true);
    }
  }
}

}  // namespace iocpp::iocp

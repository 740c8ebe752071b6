// What a completion port must do: the contract between the engine and the systems' mechanisms.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/clock.hpp"
#include "base/native_handle.hpp"
#include "core/byte_queue.hpp"
#include "core/completion.hpp"
#include "core/platform.hpp"
#include "core/shard_counters.hpp"
#include "core/slot.hpp"

namespace iocpp::engine {

using core::Buffer;
using core::Completion;
using core::Operation;
using core::SlotRef;

/// A listener as a backend sees it. Its generation grows when it is made anew.
struct ListenerRef {
  std::uint32_t index;
  std::uint32_t generation;
  NativeHandle handle;
};

/// What the sockets of clients are given where they do not inherit it from their listener.
struct SocketOptions {
  bool tcp_nodelay = true;
  std::chrono::seconds keepalive{0};
  std::size_t receive_buffer = 0;
  std::size_t send_buffer = 0;
};

struct BackendConfig {
  SocketOptions sockets;
  std::size_t receive_ring_bytes = 2U << 20;
  std::size_t receive_ring_bytes_max = 16U << 20;
  std::size_t posted_receive_bytes = 0;
  core::ShardCounters* counters = nullptr;
};

/// What differs between backends, as facts that the conformance suite reads and prints; nothing above a backend
/// branches on them but the first two, `lends`, `quiet_sends` and `loses_completions`.
struct Capabilities {
  core::Platform platform;
  int would_block;        ///< The native error of `accept_now` when no client waits.
  bool multishot_accept;  ///< One accept completes many times. Otherwise a pool of single ones is posted.
  bool multishot_receive;
  bool sheds;  ///< The process has a handle limit at which clients can be refused with a reserve handle.
  bool sees_reset_before_receive;  ///< A reset that came before the receive was posted is reported as one, not as an
                                   ///< end of stream.
  bool shares_port =
      true;  ///< Several listeners of one process can share an address, so that each shard accepts for itself.
  bool lends = false;              ///< Received bytes can be sent from where they lie: a `LendingPort`.
  bool quiet_sends = false;        ///< A send can succeed without waking anybody: a `QuietPort`.
  bool loses_completions = false;  ///< The system can lose one: a `RenewablePort`.
};

enum class Shed : std::uint8_t { refused, nobody, failed };

/// Of a port that lends.
template <class B>
concept LendingPort = requires(B backend, SlotRef slot, std::span<const Buffer> buffers, std::uint16_t buffer) {
  /// As `send`, but the first of `buffers` lies in what a receive has brought in this turn, in the receive buffer
  /// `buffer` (`Completion::buffer`), which is not written to before the send has ended. So it never waits for its
  /// peer: where there is no room for a byte it ends with the platform's EAGAIN.
  { backend.send_lent(slot, buffers, buffer) } -> std::same_as<bool>;
};

/// Of a port whose sends can succeed quietly.
template <class B>
concept QuietPort = requires(B backend, SlotRef slot, Buffer buffer) {
  /// As `send`, but it never waits for its peer: with room for some of the bytes it ends with those, with room for none
  /// with the platform's EAGAIN. Where all of them had room, its completion does not end a `wait`: it comes with
  /// whatever else does, before it.
  { backend.send_quietly(slot, buffer) } -> std::same_as<bool>;
};

/// Of a port whose system can lose completions, where it has no memory to keep them in.
template <class B>
concept RenewablePort = requires(B backend, const B& constant) {
  /// Not 0: some were lost. Whose is not known, nor what else of what is in flight is true. `wait` returns nothing from
  /// now on, and nothing but cancels may be posted, until `renew`.
  { constant.lost() }
  noexcept->std::same_as<int>;
  /// Ends all that is in flight, and the port is as it was opened: no completion of before will come. Whatever is in
  /// flight may be cancelled by name before, which takes less time. False: it does not end; nothing may be posted, to
  /// be tried again after a `wait`.
  { backend.renew() } -> std::same_as<bool>;
};

/// The contract. `B` lives on one thread, its shard's, from `open` to `stop`; only `wake` may be called from any
/// thread.
///
/// 1. Every operation for which a posting call returned true yields exactly one terminal completion (`more` false),
/// cancelled ones included; a multishot accept or
///    receive any number of non-terminal ones before it. Where it returned false nothing is in flight: the engine
///    tries again in the next turn.
/// 2. At most one receive and one send a slot are in flight, and the close is posted when neither is. The engine keeps
/// to it; the backend asserts it where it can.
/// 3. What the system may still touch stays alive and unmoved until the terminal completion: the bytes of a send belong
/// to the engine's queue and are not
///    consumed before; everything else (addresses, message headers, iovecs, OVERLAPPED) belongs to the backend. State
///    is complete before the operation is posted. Nothing is allocated per operation.
/// 4. A completion carries the index and the generation that it was posted with, so that whoever reads it can tell a
/// stale one. The handle of a
///    stale accept is closed by the engine; the bytes of a stale receive return to the backend at the next `wait` like
///    all others.
/// 5. No completion surfaces inside a posting call; all come out of `wait`, even when the operation finished at once.
/// 6. Time is the backend's: monotonic, `now()`.
/// 7. `stop` cancels what is left, waits until nothing is in flight, then closes the port. The engine has closed all
/// slots and listeners before.
/// 8. `Completion::error` is the native number. Codes that say "nothing is wrong, post again" (a full receive ring)
/// come as the platform's EAGAIN.
/// 9. The spans and the bytes that `wait` returns are valid until the next `wait`; where a `send_lent` reads from them,
/// until the one after that `wait` which returns its completion.
/// 10. One system call a turn carries all posts and the wait, where the system can.
template <class B>
concept CompletionPort = requires(B backend, const B& constant, const BackendConfig& config, SlotRef slot,
                                  ListenerRef listener, std::span<const Buffer> buffers, NativeHandle handle,
                                  std::optional<std::chrono::nanoseconds> timeout, Address& address) {
  { B::capabilities } -> std::convertible_to<Capabilities>;

  /// Makes the port, on the thread that will use it. The native error; 0 for success. After a failure `stop` is not
  /// called.
  { backend.open(config) } -> std::same_as<int>;
  { backend.now() }
  noexcept->std::same_as<TimePoint>;

  /// Accept: multishot or single (the acceptor decides). Completes with the client's handle, not inherited by child
  /// processes.
  { backend.accept(listener, true) } -> std::same_as<bool>;
  /// Completes once, when a client knocks. For shedding: where `sheds` is false it is not called.
  { backend.poll_listener(listener) } -> std::same_as<bool>;
  /// Cancels the accepts and polls of a listener. Their terminal completions follow; an accept may still succeed. True:
  /// requested, or nothing to cancel.
  { backend.cancel_listener(listener) } -> std::same_as<bool>;
  /// Accepts without waiting, when no accept is in flight: the handle, or no_handle and the native error.
  { backend.accept_now(listener, *static_cast<int*>(nullptr)) } -> std::same_as<NativeHandle>;
  /// Refuses one waiting client at the handle limit: gives up the reserve handle, accepts, closes, takes the reserve
  /// back, if nobody was faster (`take_reserve` tells).
  { backend.shed(listener) } -> std::same_as<Shed>;
  /// Opens the reserve handle if it is not there. True: it is there now, or this backend needs none.
  { backend.take_reserve() } -> std::same_as<bool>;

  /// The handle of a client, accepted by this port or another one, is to be used with this port: before its first
  /// operation. The native error; 0 for success.
  { backend.attach(handle) } -> std::same_as<int>;

  /// Receives into the shard's buffers: completions with bytes, 0 bytes for the end of the stream (terminal), or an
  /// error (terminal).
  { backend.receive(slot) } -> std::same_as<bool>;
  { backend.cancel_receive(slot) } -> std::same_as<bool>;
  /// Sends a prefix of the buffers, at least a byte; completes once with the number of bytes. `buffers` itself may go
  /// after the call, the bytes not.
  { backend.send(slot, buffers) } -> std::same_as<bool>;
  requires !B::capabilities.lends || LendingPort<B>;
  requires !B::capabilities.quiet_sends || QuietPort<B>;
  requires !B::capabilities.loses_completions || RenewablePort<B>;
  { backend.cancel_send(slot) } -> std::same_as<bool>;
  /// Ends our side of the stream, at once. Errors mean that the connection is gone, which its receive reports.
  { backend.end_stream(slot) }
  noexcept;
  /// Closes the handle; with `reset`, the peer is reset. Completes once; the handle is free then whatever the error
  /// says.
  { backend.close(slot, true) } -> std::same_as<bool>;
  /// Closes a handle that has no slot and no operation, at once; with `reset` or not.
  { backend.close_now(handle, true) }
  noexcept;

  /// Submits what was posted, waits until something has completed, `wake` was called or the time is over (none: for
  /// ever), and returns completions: in the order in which the operations of one connection ended. `wait_error()` is
  /// the native error of the wait itself, 0 as a rule.
  { backend.wait(timeout) } -> std::same_as<std::span<const Completion>>;
  { constant.wait_error() }
  noexcept->std::same_as<int>;
  /// Ends the running `wait`, or the next. Any thread, and signal handlers, from construction to destruction.
  { backend.wake() }
  noexcept;
  { backend.stop() }
  noexcept;

  { B::peer_name(handle, address) }
  noexcept->std::same_as<int>;
};

}  // namespace iocpp::engine

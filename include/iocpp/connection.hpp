// A connection as a handler sees it: its id, its handle, and what can be done with it.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <iocpp/address.hpp>
#include <iocpp/export.hpp>
#include <iocpp/proxy_protocol.hpp>

namespace iocpp {

namespace core {
class Core;
}

/// A connection's identity: 64 bits, never reused in the life of a server, free to be kept, compared, logged and sent
/// to other threads. Zero is no connection. Shard 8 bits, slot 24 bits, generation 32 bits.
class ConnectionId {
 public:
  constexpr ConnectionId() noexcept = default;
  /// Of its parts; each is cut to its bits.
  constexpr ConnectionId(unsigned shard, std::uint32_t slot, std::uint32_t generation) noexcept
      : value_{(std::uint64_t{shard & 0xffU} << 56) | (std::uint64_t{slot & 0xffffffU} << 32) | generation} {}
  /// What `value` has said, of a log or of another process.
  static constexpr ConnectionId from_value(std::uint64_t value) noexcept {
    ConnectionId id;
    id.value_ = value;
    return id;
  }

  /// All of it as one number.
  constexpr std::uint64_t value() const noexcept { return value_; }
  /// The shard on whose thread the connection lives: for `Server::post`.
  constexpr unsigned shard() const noexcept { return static_cast<unsigned>(value_ >> 56); }
  /// Its place in that shard, which others have had before.
  constexpr std::uint32_t slot() const noexcept { return static_cast<std::uint32_t>(value_ >> 32) & 0xffffffU; }
  /// Grows each time that the place is used again.
  constexpr std::uint32_t generation() const noexcept { return static_cast<std::uint32_t>(value_); }
  /// False: it is no connection's.
  constexpr explicit operator bool() const noexcept { return value_ != 0; }
  /// By `value`: any order that is always the same.
  friend constexpr auto operator<=>(ConnectionId, ConnectionId) noexcept = default;

 private:
  std::uint64_t value_ = 0;
};

/// Why a connection ended.
enum class DisconnectReason : std::uint8_t {
  peer_closed,       ///< The peer ended its stream, and we closed.
  peer_reset,        ///< The peer reset the connection, or vanished in the middle of it.
  local_close,       ///< `Connection::close`, or a drain that ended in order.
  local_abort,       ///< `Connection::abort`.
  idle_timeout,      ///< Nothing was received or sent for too long: `Deadlines::first_byte`, `idle_receive`,
                     ///< `idle_send`, `idle`.
  lifetime,          ///< `Deadlines::lifetime` was over.
  min_rate,          ///< The peer sent or read too slowly (`Deadlines::min_rate_bytes`), or did not read (`write`).
  send_overflow,     ///< A send queue would have grown past `Options::send_queue_bytes_max`, or all of them together
                     ///< past `send_queue_bytes_max_total`.
  limit,             ///< Of no use yet: whom `Limits` refuse never becomes a connection (`Counters::refused_for`).
  drain_deadline,    ///< The server's drain was over before the connection was.
  handler_threw,     ///< The handler threw an exception.
  network_error,     ///< The system reported another error; `Disconnect::error` says which.
  out_of_resources,  ///< The system had no memory or buffers for the connection.
  stage_failed,      ///< Of no use yet: whose PROXY header fails never becomes one (`Counters::proxy_failed`).
};

/// `peer_closed`, `peer_reset`, ...: the enumerator's name.
IOCPP_EXPORT std::string_view to_string(DisconnectReason reason) noexcept;

/// How a connection ended: the reason, the system's error where there was one, and what was lost.
struct Disconnect {
  DisconnectReason reason = DisconnectReason::local_close;  ///< Why it ended.
  std::error_code error{};                                  ///< Success where the connection ended in order.
  std::size_t unsent_bytes = 0;                             ///< Bytes that were queued and never handed to the system.
};

/// What became of a `send`. May be ignored: the connection's end is reported by `on_disconnect` anyway.
struct SendResult {
  bool queued = false;                ///< All of the bytes will be sent, in order, unless the connection ends first.
  bool above_high_watermark = false;  ///< Queued, and the queue is above its high watermark: wait for `on_writable`.
  bool closed = false;                ///< Not queued: the connection, or its sending side, has ended, or ends now for
                                      ///< want of memory (`out_of_resources`).
  bool overflow = false;              ///< Not queued: past its cap, or that of all queues. It ends (`send_overflow`).
  /// `queued`.
  explicit operator bool() const noexcept { return queued; }
};

/// Bytes that many connections may send without a copy each. They are freed after the last of them has been sent.
using SharedBytes = std::shared_ptr<const std::vector<std::byte>>;

/// The process at the other end of a Unix socket, as it was when it connected.
struct PeerCredentials {
  /// Its process id.
  std::int64_t process = 0;
  /// Its effective user id.
  std::uint64_t user = 0;
  /// Its effective group id.
  std::uint64_t group = 0;
};

/// A handle to a connection: 16 bytes, copied freely. Valid on the thread of its shard at any time (inside the
/// handler's callbacks and tasks posted to the shard), even after the connection has ended: then everything answers
/// "closed" and does nothing. So it does elsewhere, in a callback of another shard too (`Counters::misplaced_calls`):
/// from there use `Server::send`, `Server::disconnect` and `Server::post` with the id.
///
/// Nothing here calls back into the handler: what a call causes is reported after the running callback has returned.
class Connection {
 public:
  Connection() noexcept = default;

  /// Which connection it is, also after its end.
  ConnectionId id() const noexcept { return id_; }

  /// True until the connection was closed, aborted or lost.
  IOCPP_EXPORT bool is_open() const noexcept;

  /// Queues a copy of `bytes`, behind what is queued already. `bytes` need only live during the call. What `on_receive`
  /// was lent may be sent from where it lies instead (io_uring, epoll).
  IOCPP_EXPORT SendResult send(std::span<const std::byte> bytes) const;
  /// The same for text.
  IOCPP_EXPORT SendResult send(std::string_view text) const;

  /// Queues the vector's bytes and empties it; not queued, they are left in it. From 2 KiB on without a copy, unless it
  /// has room for more than twice its bytes.
  IOCPP_EXPORT SendResult send(std::vector<std::byte>&& bytes) const;

  /// Queues bytes that are shared with other connections: from 2 KiB on without a copy.
  IOCPP_EXPORT SendResult send(SharedBytes bytes) const;

  /// Bytes that are queued and not yet handed to the system.
  IOCPP_EXPORT std::size_t send_queue_bytes() const noexcept;

  /// Ends the sending side after what is queued has left (the peer sees the end of the stream); receiving goes on.
  IOCPP_EXPORT void shutdown_send() const noexcept;

  /// Ends the connection in order: sends what is queued, ends the stream, discards input until the peer ends its own
  /// (so that nothing sent is lost to a reset, RFC 1122 4.2.2.13), then closes. Bounded by `Options::linger_timeout`
  /// and `Options::linger_bytes_max`.
  IOCPP_EXPORT void close() const noexcept;

  /// Resets the connection at once. What is queued is lost, and counted in `Disconnect::unsent_bytes`.
  IOCPP_EXPORT void abort() const noexcept;

  /// Stops receiving: after the running callback returns there is no `on_receive` (nor `on_peer_shutdown`) until
  /// `resume_receive`. What was already on its way is kept and delivered first.
  IOCPP_EXPORT void pause_receive() const noexcept;
  /// Ends what `pause_receive` began. A pause by backpressure goes on.
  IOCPP_EXPORT void resume_receive() const noexcept;

  /// A message of the peer's has begun and is not complete: from now on, until `end_message`, it must come at
  /// `Deadlines::min_rate_bytes`, and a drain does not find the connection idle (`close_after_message`). Called again,
  /// the next message has begun.
  IOCPP_EXPORT void begin_message() const noexcept;
  /// The peer's message is complete: no rate is asked for until the next one begins.
  IOCPP_EXPORT void end_message() const noexcept;

  /// As `close`: at once where no message has begun, otherwise soon after it has ended, with what the callback that
  /// ends it sends. Who answers later (from another thread) closes when the answer is queued.
  IOCPP_EXPORT void close_after_message() const noexcept;

  /// Calls `Handler::on_timer` once, after so long (cut to a year; 0 or less: soon); counted from this call. A
  /// connection has one timer: started again, it is moved. It ends with `cancel_timer` and with `close`, `abort` and
  /// any other end of the connection: `on_timer` is not called after any of them. Throws `std::bad_alloc` where there
  /// is no memory for it.
  IOCPP_EXPORT void start_timer(std::chrono::nanoseconds after) const;
  /// Stops the timer, if one runs: `Handler::on_timer` is not called.
  IOCPP_EXPORT void cancel_timer() const noexcept;

  /// The peer's address, asked from the system at each call (about a microsecond). Fails with `errc::not_connected`
  /// where the peer has left, and with `errc::closed` where the connection has ended. Behind a proxy
  /// (`Options::proxy_protocol`) the client's, as the proxy said, in `on_disconnect` too; where it did not say, the
  /// proxy's.
  [[nodiscard]] IOCPP_EXPORT std::error_code peer_address(Address& address) const noexcept;

  /// Where the connection itself comes from: the proxy's address, or the peer's where there is no proxy. Asked from the
  /// system, with the same errors.
  [[nodiscard]] IOCPP_EXPORT std::error_code proxy_address(Address& address) const noexcept;

  /// Who connected to a Unix socket, asked from the system (SO_PEERCRED of unix(7)). `errc::not_supported` for other
  /// connections, and where the system does not say (Windows); `errc::closed` where the connection has ended.
  [[nodiscard]] IOCPP_EXPORT std::error_code peer_credentials(PeerCredentials& credentials) const noexcept;

  /// What the proxy in front has said of its client; null where there is none. Valid until `on_disconnect` has
  /// returned.
  IOCPP_EXPORT const ProxyHeader* proxy_header() const noexcept;

  /// The system's handle (a descriptor, a SOCKET), for options that iocpp has no name for; -1 when closed. Never close
  /// it, read it or write it; and no SO_LINGER, with which closing it would block the shard on Windows.
  IOCPP_EXPORT std::intptr_t native_handle() const noexcept;

  /// The state that the user attached to the connection with `emplace_context<T>`, or null. It is destroyed after
  /// `on_disconnect`.
  template <class T>
  T* context() const noexcept {
    return static_cast<T*>(context_of(&context_type<T>));
  }

  /// Makes a `T` that lives as long as the connection, in place of any earlier one. Throws what T's constructor throws,
  /// or `std::system_error` (`errc::closed`) where the connection has ended.
  template <class T, class... Arguments>
  T& emplace_context(Arguments&&... arguments) const {
    auto made = std::make_unique<T>(std::forward<Arguments>(arguments)...);
    T& reference = *made;
    set_context(made.get(), &context_type<T>);
    made.release();
    return reference;
  }

 private:
  friend class core::Core;
  struct ContextType {
    void (*destroy)(void*) noexcept;
  };
  template <class T>
  static constexpr ContextType context_type{[](void* object) noexcept { delete static_cast<T*>(object); }};

  Connection(core::Core* core, ConnectionId id) noexcept : core_{core}, id_{id} {}
  IOCPP_EXPORT void* context_of(const ContextType* type) const noexcept;
  IOCPP_EXPORT void set_context(void* object, const ContextType* type) const;

  core::Core* core_ = nullptr;
  ConnectionId id_;
};

}  // namespace iocpp

/// For unordered containers: of its number. Their order is no promise; in the simulator it must not show.
template <>
struct std::hash<iocpp::ConnectionId> {
  std::size_t operator()(iocpp::ConnectionId id) const noexcept { return std::hash<std::uint64_t>{}(id.value()); }
};

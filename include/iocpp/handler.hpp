// The user's code: what a server calls when something has happened.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <system_error>
#include <typeinfo>
#include <vector>

#include <iocpp/connection.hpp>

namespace iocpp {

namespace detail {
struct HandlerTraits;
}

/// Something that went wrong with the server and not with one connection. The server goes on by itself; this is for a
/// log.
struct ServerError {
  /// What has gone wrong, or is well again.
  enum class Kind {
    accept_retry,       ///< The system had no resources for an accept; it is tried again, paced.
    accept_shed,        ///< The handle limit is reached; clients are refused until handles are free.
    listener_lost,      ///< A listener's handle is unusable; it is made anew, paced.
    listener_restored,  ///< ... and it was.
    loop_failed,        ///< A shard's wait for completions failed; it is tried again.
  };
  Kind kind;                ///< What it was.
  unsigned shard = 0;       ///< The number of shards, where it is the accepting thread.
  unsigned listener = 0;    ///< Index into the listeners, in the order of the options.
  std::error_code error{};  ///< The system's, where there was one.
};

/// Derive from this and override what you need. All calls for one connection come on one thread, one at a time,
/// `on_connect` first and `on_disconnect` last, once each. A callback may do anything with any connection of its shard.
/// It should return soon: the other connections of the shard wait meanwhile.
///
/// An exception that leaves a callback ends that connection with `handler_threw`; out of `on_disconnect`,
/// `on_send_failed` and `on_server_*` it is swallowed and counted (`Counters::handler_exceptions`).
class Handler {
 public:
  virtual ~Handler() = default;

  /// A client was accepted.
  virtual void on_connect(Connection) {}

  /// Bytes of the peer's stream, in order: any number, at least one. They are lent until this call returns.
  virtual void on_receive(Connection, std::span<const std::byte>) {}

  /// `bytes` more of what was queued have been handed to the system. Several sends may be reported in one call, or one
  /// in several.
  virtual void on_sent(Connection, std::size_t /*bytes*/) {}

  /// The send queue has fallen to its low watermark after it was above the high one.
  virtual void on_writable(Connection) {}

  /// The peer ended its stream: no more `on_receive`. Sending is still possible; by default closes, also where an
  /// answer of another thread is still to come.
  virtual void on_peer_shutdown(Connection connection) { connection.close(); }

  /// The time that `Connection::start_timer` was given is over.
  virtual void on_timer(Connection) {}

  /// The server is to end, and this connection with it: told once for each open connection, after `on_connect` for one
  /// that comes later. Say goodbye, end what is under way: it has until the drain's deadline, at which it is reset. By
  /// default, closes, in the middle of a message (`Connection::begin_message`) when that has ended: what is queued is
  /// sent. Not told where the deadline is over already.
  virtual void on_drain(Connection connection) { connection.close_after_message(); }

  /// The connection has ended. The handle answers "closed" now; its context is destroyed after this call.
  virtual void on_disconnect(Connection, const Disconnect&) {}

  /// Bytes that `Server::send` had accepted could not be queued: with `errc::closed`, the connection was gone or
  /// closing when they arrived, or the server stopped first; with `errc::send_overflow`, its queue would have
  /// overflown, which ends it. Told to the handler of the connection's listener; once the connection is gone, to the
  /// server's own.
  virtual void on_send_failed(ConnectionId, std::vector<std::byte> /*bytes*/, std::error_code) {}

  /// Something went wrong with the server, or is well again: at most once a second and listening socket (each shard may
  /// have one of its own), but that a listener was lost or is back, at once. For a log; the server goes on by itself.
  virtual void on_server_error(const ServerError&) {}

  /// The shard has ended all its connections: its last call on this handler. Once a shard, so several times and from
  /// several threads where shards share a handler.
  virtual void on_server_close() {}

 private:
  friend struct detail::HandlerTraits;

  /// Copied with its handler. Two servers may have the same one, and one of them run while the other is made.
  struct Flag : std::atomic<bool> {
    Flag() noexcept : std::atomic<bool>{true} {}
    Flag(const Flag& other) noexcept : std::atomic<bool>{other.load(std::memory_order_relaxed)} {}
    Flag& operator=(const Flag& other) noexcept {
      store(other.load(std::memory_order_relaxed), std::memory_order_relaxed);
      return *this;
    }
  };
  Flag hears_sent_;
};

namespace detail {

/// What is known of a handler's class where a server is given one: whether anybody waits for `on_sent`. Nobody does
/// where the class leaves it as it is in `Handler`; then a send that succeeds at once costs no second system call.
struct HandlerTraits {
  template <class H>
  static constexpr bool overrides_on_sent = !requires {
    requires std::same_as<decltype(&H::on_sent), void (Handler::*)(Connection, std::size_t)>;
  };

  /// Of `H` itself; a class derived from it may override more.
  template <std::derived_from<Handler> H>
  static H& note(H& handler) noexcept {
#ifdef __cpp_rtti
    if (typeid(handler) == typeid(H)) set_hears_sent(handler, overrides_on_sent<H>);
#endif
    return handler;
  }

  static bool hears_sent(const Handler& handler) noexcept {
    return handler.hears_sent_.load(std::memory_order_relaxed);
  }
  static void set_hears_sent(Handler& handler, bool hears) noexcept {
    handler.hears_sent_.store(hears, std::memory_order_relaxed);
  }
};

}  // namespace detail

/// Makes the handler of one shard, on that shard's thread: so its members are never shared between threads.
using HandlerFactory = std::function<std::unique_ptr<Handler>(unsigned shard)>;

}  // namespace iocpp

// A TCP server: listeners, shards, start and stop.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <iocpp/accept_health.hpp>
#include <iocpp/address.hpp>
#include <iocpp/connection.hpp>
#include <iocpp/counters.hpp>
#include <iocpp/export.hpp>
#include <iocpp/handler.hpp>
#include <iocpp/options.hpp>

namespace iocpp {

/// How a server ended.
struct DrainReport {
  std::uint64_t idle_closed = 0;  ///< Connections that had nothing under way, and were closed without another word.
  std::uint64_t finished = 0;     ///< Connections that were sent something, or went on for a while, and ended in order.
  std::uint64_t cut = 0;          ///< Connections reset at the deadline.
  std::uint64_t failed = 0;       ///< Connections that ended otherwise: reset by the peer, aborted, cut off by a limit.
  std::uint64_t bytes_lost = 0;   ///< Bytes queued and never sent, over connections that ended during the drain.
  bool handed_over = false;       ///< It ended since a successor has taken its listening sockets over.
  std::chrono::milliseconds duration{0};  ///< From the request to the end of the last shard.
};

/// A TCP server. One is made, started once, drained once, and destroyed. Not copied, not moved.
class Server {
 public:
  /// Binds and listens, nothing else: no thread, no ring yet, so privileges may be dropped before `start`. Clients that
  /// connect already wait in the backlog.
  /// Throws `std::system_error`: `errc::address_in_use` (also when another iocpp server has the port),
  /// `address_not_available`, `permission_denied`, `invalid_argument` (an option; the text names it); for an
  /// `Options::backend` that can't be had, `not_supported` (this build does not have it) or the system's error; for an
  /// `Options::hand_over_path` whose server can't be taken over from, `permission_denied`, `not_supported` or the
  /// system's error. Nothing is left behind then.
  ///
  /// With a `Handler&`: one shard (`Options::shards` of 0 or 1), or more if the handler is made for several threads.
  /// It must outlive the server. With a factory: one handler per shard.
  IOCPP_EXPORT Server(Options options, Handler& handler);
  /// With a factory: one handler per shard, made and used on the shard's thread.
  IOCPP_EXPORT Server(Options options, HandlerFactory factory);

  /// The same, where the handler's class is known: sends that nobody's `on_sent` waits for save a system call.
  template <std::derived_from<Handler> H>
  Server(Options options, H& handler)
      : Server{std::move(options), static_cast<Handler&>(detail::HandlerTraits::note(handler))} {}
  /// The same for a factory whose handlers' class is known.
  template <class Factory>
  requires std::derived_from<typename std::invoke_result_t<Factory&, unsigned>::element_type, Handler> Server(
      Options options, Factory factory)
      : Server{std::move(options), HandlerFactory{[make = std::move(factory)](unsigned shard) mutable {
                 auto handler = make(shard);
                 if (handler != nullptr) detail::HandlerTraits::note(*handler);
                 return std::unique_ptr<Handler>{std::move(handler)};
               }}} {}

  /// Drains with a deadline of zero and waits, if the server still runs. Must not be called on a shard's thread.
  IOCPP_EXPORT ~Server();

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Starts the shards' threads and returns when all of them serve. Throws `std::system_error` when the system's
  /// completion mechanism can't be set up, with `errc::invalid_argument` when it was called before or a
  /// `HandlerFactory` returned null, and rethrows what a factory threw; no thread is left then. A server that takes
  /// over waits here, at most 30 s, until its predecessor accepts nobody any more.
  IOCPP_EXPORT void start();

  /// `start`, then serves until a signal, SIGINT or SIGTERM (Windows: Ctrl+C, console close), drains with
  /// `Options::drain_timeout` (console closed: 4 s at most; a second signal ends it at once), or until `request_drain`,
  /// with its own deadline; returns how it went. The signals' earlier dispositions are put back. Throws as `start`, and
  /// with `errc::invalid_argument` where another server of the process is in `run`.
  IOCPP_EXPORT DrainReport run();

  /// Asks the server to end: it stops listening (clients already in the backlog are still accepted) and tells each
  /// connection by `Handler::on_drain`, which by default closes: what is queued is sent, and a message that has begun
  /// may end. The rest is reset at the deadline. Returns at once; `wait` waits. Repeated calls may only shorten the
  /// deadline. Any thread, a handler, or a signal handler.
  IOCPP_EXPORT void request_drain(std::chrono::milliseconds deadline) noexcept;

  /// Waits until a drain has ended, joins the threads, and reports; during `start`, waits for that too. Before `start`
  /// there is nothing to wait for: an empty report. Any thread but a shard's, on which it throws `std::system_error`
  /// (`errc::resource_deadlock_would_occur`). Called again, it reports the same.
  IOCPP_EXPORT DrainReport wait();

  /// Queues bytes for a connection from any thread, in the order of the calls of that thread. Success: they are in the
  /// shard's mailbox, and either reach the connection's send queue or come back by `Handler::on_send_failed`, once.
  /// Fails with `errc::would_block` (they do not fit into `Options::mailbox_bytes_max`, and the mailbox is not empty),
  /// `errc::closed` (the server has ended), or `errc::invalid_argument` (no such shard); a vector that was to be moved
  /// is left as it was then. Before `start` they wait for it. This and the calls down to `post_after` may throw
  /// `std::bad_alloc`.
  [[nodiscard]] IOCPP_EXPORT std::error_code send(ConnectionId id, std::vector<std::byte>&& bytes);
  /// The same for a copy of `bytes`.
  [[nodiscard]] IOCPP_EXPORT std::error_code send(ConnectionId id, std::span<const std::byte> bytes);

  /// `Connection::shutdown_send`, `close` and `abort` from any thread, behind what that thread has sent before. A
  /// connection that is gone is no error. Fails as `send` does: with `errc::would_block` call it again later.
  [[nodiscard]] IOCPP_EXPORT std::error_code shutdown_send(ConnectionId id);
  /// `Connection::close` from any thread; see `shutdown_send`.
  [[nodiscard]] IOCPP_EXPORT std::error_code disconnect(ConnectionId id);
  /// `Connection::abort` from any thread; see `shutdown_send`.
  [[nodiscard]] IOCPP_EXPORT std::error_code abort(ConnectionId id);

  /// Runs `task` on a shard's thread, between callbacks. An exception out of it is swallowed and counted. A task that
  /// was accepted but not run when the server ends is destroyed unrun. Fails as `send` does, and with
  /// `errc::invalid_argument` where there is no task. Any thread.
  [[nodiscard]] IOCPP_EXPORT std::error_code post(unsigned shard, std::function<void()> task);

  /// The same after `delay` (cut to a year), counted from this call; tasks with the same end run in any order. They
  /// hold up nothing: when the server ends, those that were not run are destroyed. Any thread.
  [[nodiscard]] IOCPP_EXPORT std::error_code post_after(unsigned shard, std::chrono::nanoseconds delay,
                                                        std::function<void()> task);

  /// A handle for `id`. On its shard's thread it is the connection; on any other, or when that has ended, it answers
  /// "closed".
  IOCPP_EXPORT Connection connection(ConnectionId id) noexcept;

  /// It has the listening sockets of a server that was at `Options::hand_over_path`.
  IOCPP_EXPORT bool took_over() const noexcept;

  /// The address of listener `index`, with the port that it got. Throws `std::out_of_range`.
  IOCPP_EXPORT Address address(std::size_t index = 0) const;
  /// What it listens on, in words: `127.0.0.1:50000`, or `unix:/path`. Throws `std::out_of_range`.
  IOCPP_EXPORT std::string listener_name(std::size_t index = 0) const;
  /// How many there are: one for each of `Options::listen`.
  IOCPP_EXPORT std::size_t listener_count() const noexcept;
  /// The port of the first listener, which is the one that the system has picked where 0 was asked for.
  std::uint16_t port() const { return address().port; }

  /// Threads that serve connections.
  IOCPP_EXPORT unsigned shards() const noexcept;

  /// The mechanism that is used (never `automatic`), and why it was chosen.
  IOCPP_EXPORT Backend backend() const noexcept;
  /// Why that one: in words, for a log.
  IOCPP_EXPORT std::string backend_reason() const;

  /// A snapshot. Any thread.
  IOCPP_EXPORT Counters counters() const;

  /// Whether the server accepts: computed by the caller, so that it tells also of a shard whose handler does not
  /// return. Any thread; a few system calls, so not for each request.
  IOCPP_EXPORT AcceptHealth accept_health(std::chrono::milliseconds stalled_after = std::chrono::seconds{1}) const;

 private:
  class Running;
  std::unique_ptr<Running> running_;
};

}  // namespace iocpp

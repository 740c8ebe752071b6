// The user's handler with a witness before it: what is called for a connection, in which order, with which bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/core.hpp"
#include "engine/mailbox.hpp"
#include "iocpp/handler.hpp"
#include "simulator/deadline_witness.hpp"
#include "simulator/machine.hpp"
#include "simulator/pattern.hpp"

namespace iocpp::simulator {

class ScriptedPeers;

/// Sends back what it receives.
class EchoHandler final : public Handler {
 public:
  void on_receive(Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

class CheckedHandler;

/// Sends back what it receives as other threads send: by the mailbox of its shard (Server::send). Where that is full it
/// aborts: its client would wait for what never comes.
class MailboxEcho final : public Handler {
 public:
  MailboxEcho(Machine& machine, engine::Mailbox& mailbox) : machine_{machine}, mailbox_{mailbox} {}
  void on_receive(Connection connection, std::span<const std::byte> bytes) override;
  void is_watched_by(CheckedHandler& witness) noexcept { witness_ = &witness; }

 private:
  Machine& machine_;
  engine::Mailbox& mailbox_;
  CheckedHandler* witness_ = nullptr;
};

struct HandlerHabits {
  bool known = true;  ///< The simulator's own echo: whatever else happens to a connection, somebody else does.
  std::size_t send_queue_bytes_high = 1U << 20;
  std::size_t send_queue_bytes_max = 64U << 20;
  std::size_t writable_above = 1U << 20;    ///< A queue that was longer than this, ...
  std::size_t writable_below = 256U << 10;  ///< ... and is not longer than this any more, is told by on_writable.
  unsigned whim_of = 512;                   ///< Six of so many callbacks are followed by a whim; 0: none.
  bool hears_sent = true;                   ///< Somebody waits for on_sent: no send ends quietly.
  bool by_mailbox = false;                  ///< The simulator's own echo answers by the mailbox.
  std::chrono::nanoseconds slow_max{};      ///< Some callbacks take up to this, ...
  unsigned slow_one_in = 256;               ///< ... one of so many.
  std::size_t linger_bytes_max = 1U << 20;
  std::size_t receive_buffer = 64U << 10;  ///< The system's: so much is read before a close can take effect.
  bool exceptions_fail = false;            ///< One that leaves the handler is a violation.
  std::uint32_t connections_per_address = UINT32_MAX;
  Deadlines deadlines{};
  bool total_capped = false;        ///< All queues together have a cap, which may end any connection.
  bool messages = false;            ///< What a client sends is one message: it must come at the least rate.
  std::uint64_t message_bytes = 0;  ///< It is messages of so many bytes: a drain lets one end. 0: of none.
  bool timers = false;              ///< Some connections start their timer.
};

class CheckedHandler final : public Handler {
 public:
  CheckedHandler(Machine& machine, unsigned loop, Handler& inner, const Pattern& pattern, const HandlerHabits& habits)
      : machine_{machine}, inner_{inner}, pattern_{pattern}, habits_{habits}, loop_{loop} {
    detail::HandlerTraits::set_hears_sent(*this, habits.hears_sent);
  }

  void on_connect(Connection connection) override;
  void on_receive(Connection connection, std::span<const std::byte> bytes) override;
  void on_sent(Connection connection, std::size_t bytes) override;
  void on_writable(Connection connection) override;
  void on_timer(Connection connection) override;
  void on_peer_shutdown(Connection connection) override;
  void on_drain(Connection connection) override;
  void on_disconnect(Connection connection, const Disconnect& how) override;
  void on_send_failed(ConnectionId id, std::vector<std::byte> bytes, std::error_code error) override;
  void on_server_error(const ServerError& error) override;
  void on_server_close() override;

  std::uint32_t live() const noexcept { return live_; }
  bool closed() const noexcept { return closed_; }
  std::uint64_t sends_failed() const noexcept { return sends_failed_; }
  /// Of an echo by the mailbox, after stop: each byte that was handed in was sent, or is known to be lost.
  bool accounts_for(std::uint64_t sent, std::uint64_t unsent) const noexcept {
    return !habits_.by_mailbox || handed_in_ == sent + unsent + returned_;
  }
  /// A connection that lives, as another thread may know it: the `nth` of the slots, or an empty id.
  ConnectionId some(std::uint32_t nth) const noexcept;
  /// Another thread is about to close or abort it: its client is owed nothing more.
  void ends(ConnectionId id, bool by_abort) noexcept;
  /// A task on the loop's own thread closes it, after a while of its own: a deadline counts from then.
  void close(ConnectionId id);
  /// Of an echo by the mailbox: so many bytes found no room in it, and the connection is about to be aborted.
  void finds_no_room(ConnectionId id, std::size_t bytes);
  /// The server drains: connections are told, may be closed, and cut. Patiently: they are told later, one by one.
  void drains(bool patiently = false) noexcept {
    draining_ = true;
    patiently_ = patiently;
  }
  /// Those that were paused go on.
  void resume_paused();
  /// No more pauses, throws and closes of its own.
  void calm_down() noexcept { calm_ = true; }
  /// Some connections are theirs: what these have sent is known.
  void know(const ScriptedPeers& scripted) noexcept { scripted_ = &scripted; }
  /// Its loop accepts its own clients: none of them may have the handle with which another one refuses.
  void watch_reserves(const std::atomic<unsigned>& out) noexcept { reserves_out_ = &out; }
  /// What is wrong with what is known of all connections, or nothing.
  std::string_view flaw(const core::Core& core) const noexcept;
  /// The network resets it, for both ends.
  void reset(ConnectionId id);
  /// Whoever is over its deadline is gone by now, and a timer that was due has been called.
  void check_deadlines();
  /// A turn is over: all connections of a loop are told of a drain in one.
  void check_told(const core::Core& core);
  void check_awaited(const core::Core& core);
  /// Bytes in the queues of its connections.
  std::size_t queued() const noexcept;

 private:
  /// What is known of the connection in a slot.
  struct Witness {
    ConnectionId id;
    std::uint32_t peer = 0;
    Connection connection;
    std::uint32_t number = 0;  ///< Its link's; `no_index` where the link was gone already.
    std::uint32_t link = 0;
    std::uint32_t link_generation = 0;
    std::uint64_t received = 0;
    std::uint64_t sent = 0;      ///< ... of which on_sent has told.
    std::uint64_t accepted = 0;  ///< By its sends; known of the simulator's own echo.
    TimePoint called{};          ///< When its last callback returned, or a task closed it.
    TimePoint closed_at{};       ///< ... another thread has called close().
    TimePoint aborted_at{};
    bool live = false;
    bool ended = false;    ///< on_peer_shutdown was called.
    bool closed = false;   ///< Somebody here has called close(), or is about to.
    bool aborted = false;  ///< ... abort()
    bool early = false;    ///< It was there before anybody was told of a drain ...
    bool told = false;     ///< ... and it was told.
    bool threw = false;
    bool above = false;         ///< Its queue was above the high watermark, and on_writable was not called since.
    bool writable_due = false;  ///< The next callback is that one.
    bool shut = false;          ///< Its own stream was ended: what is sent is refused.
    bool paused = false;
    bool overflows = false;      ///< Its echo does not fit into what its send queue may hold.
    bool must_overflow = false;  ///< ... and nobody has ended it otherwise.
    bool in_message = false;     ///< Its last message is not complete ...
    bool awaited = false;        ///< ... or was not when it was told of the drain: it is to be closed after that.
    TimePoint awaited_until{};   ///< That message was complete.
    bool has_timer = false;      ///< It was started, and neither called nor cancelled since.
    TimePoint timer_due{};
    DeadlineWitness times{};
  };

  template <class Call>
  void call(Connection connection, What what, std::uint64_t value, Call&& inner_call);
  template <class Call>
  void guarded(Call&& inner_call);
  void note_exception(std::string_view what);
  bool sent_by_peer(const Witness& known, std::span<const std::byte> bytes) const;
  Witness& witness(Connection connection);
  void note_overflow(Witness& known);
  /// All that it sends, it sends in its callbacks.
  bool sends_are_known() const noexcept { return habits_.known && !habits_.by_mailbox; }
  void note_queue(Connection connection, std::size_t before);
  void check_close(const Witness& known, const Disconnect& how);
  void check_sent(const Witness& known, const Disconnect& how);
  void check_header(Connection connection);
  void check_peer_address(Connection connection);
  void check_returned(ConnectionId id, std::span<const std::byte> bytes, std::error_code error);
  Link* link_of(ConnectionId id) noexcept;
  bool has_cause(const Witness& known, DisconnectReason reason) noexcept;
  void check_end(const Witness& known, const Disconnect& how);
  void whims(Connection connection);
  void note_message(Connection connection, std::uint64_t before);
  void check_message(const Witness& known, const Disconnect& how);
  void start_timers(Connection connection, std::uint64_t drawn);
  void start_timer(Connection connection);
  void cancel_timer(Connection connection) noexcept;
  void cancel_some(Connection connection);
  bool ended_by_deadline(const Witness& known, DisconnectReason reason);
  std::chrono::nanoseconds deadline_slack() const noexcept;
  std::chrono::nanoseconds message_slack() const noexcept;

  Machine& machine_;
  Handler& inner_;
  const Pattern& pattern_;
  HandlerHabits habits_;
  const ScriptedPeers* scripted_ = nullptr;
  const std::atomic<unsigned>* reserves_out_ = nullptr;
  unsigned loop_;
  unsigned depth_ = 0;
  std::uint32_t live_ = 0;
  std::uint64_t sends_failed_ = 0;
  std::uint64_t handed_in_ = 0;  ///< Bytes that its connections received.
  std::uint64_t returned_ = 0;   ///< ... and that came back by on_send_failed.
  bool closed_ = false;
  bool draining_ = false;
  bool patiently_ = false;
  bool told_any_ = false;
  bool awaited_any_ = false;  // an awaited message has ended
  bool told_checked_ = false;
  bool calm_ = false;
  bool lost_ = false;  ///< Its listener, and not yet restored.
  std::vector<Connection> paused_;
  std::vector<Witness> witnesses_;  // by slot
};

}  // namespace iocpp::simulator

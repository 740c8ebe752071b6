// The rules of a shard's connections: what each completion, each call of the user and each deadline leads to.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/backoff.hpp"
#include "base/clock.hpp"
#include "core/block_pool.hpp"
#include "core/completion.hpp"
#include "core/drain.hpp"
#include "core/gate.hpp"
#include "core/send_budget.hpp"
#include "core/shard_counters.hpp"
#include "core/slot_column.hpp"
#include "core/slot_table.hpp"
#include "core/stage.hpp"
#include "core/timer_queue.hpp"
#include "core/transfer_outcome.hpp"
#include "core/watch.hpp"
#include "iocpp/handler.hpp"

namespace iocpp::core {

struct CoreConfig {
  unsigned shard = 0;
  Platform platform = Platform::linux_os;
  std::size_t send_queue_bytes_high = 1U << 20;
  std::size_t send_queue_bytes_low = 256U << 10;
  std::size_t send_queue_bytes_max = 64U << 20;
  bool pause_receive_above_high = true;
  std::chrono::nanoseconds linger_timeout = std::chrono::seconds{5};
  std::size_t linger_bytes_max = 1U << 20;
  /// Received bytes, so many or more at once, are sent from where they lie. Only where the port lends.
  std::size_t lend_bytes_min = SIZE_MAX;
  Deadlines deadlines{};
  SendBudget* send_budget = nullptr;  ///< Of the whole server; null: no cap but the connections' own.
  /// Asks the system for a peer's address; the native error, 0 for success.
  int (*peer_name)(NativeHandle, Address&) noexcept = nullptr;
  /// ... for who is at the other end of a Unix socket. Null: the system does not say.
  int (*peer_credentials)(NativeHandle, PeerCredentials&) noexcept = nullptr;
  const Stages* stages = nullptr;  ///< Null: no connection has one. Outlives the core.
};

/// What the core needs from the loop that runs it.
class TimeSource {
 public:
  /// The time now, read afresh: a deadline armed after a slow handler counts from its arming.
  virtual TimePoint now() noexcept = 0;

 protected:
  ~TimeSource() = default;
};

/// One shard's connections. No thread, no clock, no system call of its own. The engine hands it completions, then asks
/// for the slots that changed (`next_dirty`), lets it draw the consequences (`settle`) and posts what they want. The
/// public `Connection` methods are calls of this class too; they change queues and flags and mark the slot, so a
/// callback can never run inside another one. Every member is for the shard's own thread, but `counters()`.
class Core {
 public:
  Core(const CoreConfig& config, Gate& gate, TimeSource& time);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /// Before anything else: one handler a listener, then the server's own (they outlive the core), and the time now.
  void begin(std::vector<Handler*> handlers, TimePoint now) {
    handlers_ = std::move(handlers);
    timers_.begin(now);
  }

  /// A turn of the core's loop, on the calling thread. In the simulator, whose loops share a thread, they may be
  /// nested.
  class Turn {
   public:
    explicit Turn(Core& core) noexcept : before_{std::exchange(running_, &core)} {}
    ~Turn() { running_ = before_; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    const Core* before_;
  };
  /// From its first turn on, calls of the user are for its turns.
  void only_in_turns() noexcept { only_in_turns_ = true; }
  /// `core`, if the user may call it here; null otherwise, and that is counted.
  static Core* here(Core* core) noexcept {
    if (core == nullptr || running_ == core || !core->only_in_turns_) [[likely]]
      return core;
    core->counters_.misplaced_calls.add();
    return nullptr;
  }

  // From the engine: what happened.
  /// Makes a connection of an accepted handle and calls `on_connect`. The gate has admitted it, with this place. False:
  /// there is no memory for it; the handle and the place stay the caller's.
  /// `prepares`: by a stage first; the handler is told when that is ready.
  [[nodiscard]] bool adopt(NativeHandle handle, std::uint16_t listener, std::uint32_t place, bool prepares = false);
  void on_receive(const Completion& completion);
  void on_send(const Completion& completion);
  /// The handle is closed; the slot is free again.
  void on_close(const Completion& completion);
  /// Whatever was in flight has ended, and nobody knows how: whose it was, is disconnected.
  void operations_lost(int error);
  void on_timer(Timer& timer);

  // To the engine: what to do.
  /// The next slot that changed, taken from the list, to be settled now; null when there is none.
  Slot* next_dirty() noexcept;
  bool anything_dirty() const noexcept { return dirty_first_ != nullptr; }
  /// Moves a slot's state on, as far as the operations that have ended allow: delivers what arrived while it was
  /// paused, and calls `on_disconnect` when no operation is in flight any more.
  void settle(Slot& slot);
  /// To be looked at again before the next wait.
  void mark_dirty(Slot& slot) noexcept;
  /// Before the next wait, where slots are left in the list: copies what is lent and was not posted.
  void keep_lent() noexcept;
  /// Nothing is to be done and nobody to be told when a send of so many bytes has succeeded.
  bool may_send_quietly(const Slot& slot, std::size_t bytes) const noexcept;
  void quiet_send_posted(Slot& slot) noexcept;

  /// Each open connection is told (`on_drain`): at once, or, where the drain is patient, after its next bytes.
  void begin_drain(bool patient = false);
  /// Who has not been told yet is told.
  void end_drain_patience();
  /// The drain's deadline is over: resets what is left.
  void cut_drain();
  const Drain& drain() const noexcept { return drain_; }
  std::uint32_t connections() const noexcept { return slots_.in_use(); }
  template <class Visit>
  void for_each_slot(Visit&& visit) {
    slots_.for_each(visit);
  }
  /// For tests and the simulator, between turns: what is wrong with the bookkeeping of all slots, or nothing.
  std::string_view flaw() noexcept;
  /// The same, when a wait goes to sleep: whether something waits for the end of a quiet send.
  bool hurries() noexcept;

  TimerQueue& timers() noexcept { return timers_; }
  std::optional<TimePoint> next_deadline() const noexcept { return timers_.next_deadline(); }
  ShardCounters& counters() noexcept { return counters_; }
  const ShardCounters& counters() const noexcept { return counters_; }
  Handler& handler(std::size_t listener) const noexcept { return *handlers_[listener]; }
  Handler& own_handler() const noexcept { return *handlers_.back(); }
  /// Of a connection's listener; of one that is gone, the server's own.
  Handler& handler_of(ConnectionId id) const noexcept {
    const Slot* slot = find(id);
    return slot == nullptr ? own_handler() : handler(slot->listener);
  }
  /// Each handler once, though it may serve several listeners.
  template <class Visit>
  void for_each_handler(Visit&& visit) {
    for (auto at = handlers_.begin(); at != handlers_.end(); ++at) {
      if (std::find(handlers_.begin(), at, *at) == at) visit(**at);
    }
  }
  Connection connection(ConnectionId id) noexcept { return Connection{this, id}; }

  /// Runs user code that belongs to no connection: an exception is swallowed and counted.
  template <class Call>
  void guarded(Call&& call) noexcept {
    try {
      call();
    } catch (...) {
      counters_.handler_exceptions.add();
    }
  }

  // From the user, by `Connection`; each answers "closed" for an id that is stale.
  Slot* find(ConnectionId id) const noexcept;
  SendResult send(ConnectionId id, std::span<const std::byte> bytes);
  SendResult send(ConnectionId id, std::vector<std::byte>&& bytes);
  SendResult send(ConnectionId id, SharedBytes bytes);
  void shutdown_send(ConnectionId id) noexcept;
  void close(ConnectionId id) noexcept;
  void abort(ConnectionId id) noexcept;
  void pause_receive(ConnectionId id) noexcept;
  void resume_receive(ConnectionId id) noexcept;
  void begin_message(ConnectionId id) noexcept;
  void end_message(ConnectionId id) noexcept;
  void close_after_message(ConnectionId id) noexcept;
  void start_timer(ConnectionId id, std::chrono::nanoseconds after);
  void cancel_timer(ConnectionId id) noexcept;
  std::error_code peer_address(ConnectionId id, Address& address) const noexcept;
  std::error_code proxy_address(ConnectionId id, Address& address) const noexcept;
  std::error_code peer_credentials(ConnectionId id, PeerCredentials& credentials) const noexcept;
  const ProxyHeader* proxy_header(ConnectionId id) const noexcept;
  void* context(ConnectionId id, const void* type) const noexcept;
  void set_context(ConnectionId id, void* object, const void* type);

 private:
  template <class Call>
  void call_handler(Slot& slot, Call&& call);
  Connection handle_of(const Slot& slot) noexcept { return Connection{this, id_of(slot)}; }
  ConnectionId id_of(const Slot& slot) const noexcept { return {config_.shard, slot.index, slot.generation}; }

  // preparing.cpp
  bool begin_stage(Slot& slot) noexcept;
  void prepare(Slot& slot, std::span<const std::byte> bytes);
  bool admit_client(Slot& slot) noexcept;
  void fail_stage(Slot& slot, ProxyFailure failure) noexcept;
  void fail_stage(Slot& slot, DisconnectReason reason) noexcept;
  void end_unopened(Slot& slot, bool reset) noexcept;
  /// The handler knows of it.
  static bool is_told(const Slot& slot) noexcept { return slot.stage == nullptr || slot.stage->opened; }

  void open(Slot& slot);

  // receiving.cpp
  void deliver(Slot& slot, std::span<const std::byte> bytes);
  void discard(Slot& slot, std::size_t bytes) noexcept;
  void stash(Slot& slot, std::span<const std::byte> bytes);
  void peer_ended(Slot& slot);
  void tell_peer_end(Slot& slot);
  void receive_failed(Slot& slot, int error);
  void resume_if_unpaused(Slot& slot) noexcept;
  void deliver_stash(Slot& slot);

  // sending.cpp
  void append(Slot& slot, std::span<const std::byte> bytes);
  bool may_lend(const Slot& slot, std::span<const std::byte> bytes) const noexcept;
  void lent_send_ended(Slot& slot, int error, bool cancelled_here);
  void keep_lent(Slot& slot) noexcept;
  SendResult overflow(Slot& slot, std::size_t bytes) noexcept;
  template <class Held, class Append>
  SendResult enqueue(ConnectionId id, std::size_t bytes, Held&& held_by, Append&& append);
  void queue_shrank(Slot& slot);
  void note_room(Slot& slot, std::size_t bytes) noexcept;
  void send_failed(Slot& slot, int error, bool cancelled_here);

  // closing.cpp
  void end(Slot& slot, DisconnectReason reason, int error, bool reset) noexcept;
  void close(Slot& slot) noexcept;
  void message_ended(Slot& slot) noexcept;
  void cut(Slot& slot) noexcept;
  void flush_or_linger(Slot& slot) noexcept;
  void disconnected(Slot& slot);
  void release_memory(Slot& slot) noexcept;
  void destroy_context(Slot& slot) noexcept;

  // deadlines.cpp
  bool watch(Slot& slot) noexcept;
  void note_received(Slot& slot, std::size_t bytes) noexcept;
  void note_sent(Slot& slot, std::size_t bytes) noexcept;
  void note_sent_quietly(Slot& slot) noexcept;
  void attend(Slot& slot) noexcept;
  void end_late(Slot& slot, DisconnectReason reason) noexcept;
  void cancel_timers(Slot& slot) noexcept;
  void cancel_user_timer(Slot& slot) noexcept;
  void user_timer_fired(Slot& slot);
  std::uint64_t settling_tick() noexcept;

  // draining.cpp
  void join_drain(Slot& slot) noexcept;
  void patient_or_told(Slot& slot) noexcept;
  void tell_drain(Slot& slot) noexcept;

  /// The system was short of memory or buffers for one kind of operation.
  struct Shortage {
    explicit Shortage(std::uint64_t seed) noexcept : backoff{seed} {}
    /// An operation of this kind had what it needed.
    void over() noexcept {
      if (in_row == 0) return;
      in_row = 0;
      backoff.reset();
    }
    unsigned in_row = 0;
    Backoff backoff;
  };
  void retry_later(Slot& slot, Operation operation, TransferOutcome outcome) noexcept;
  void retry_starved() noexcept;

  struct UserTimer : Timer {
    std::uint32_t index = 0;  ///< Of its slot.
  };

  static inline constinit thread_local const Core* running_ = nullptr;

  CoreConfig config_;
  bool only_in_turns_ = false;
  DeadlineRules rules_;
  SendShare send_share_;
  Gate& gate_;
  TimeSource& time_;
  std::vector<Handler*> handlers_;
  TimerQueue timers_;
  SlotTable slots_;
  SlotColumn<Watch> watches_;
  SlotColumn<UserTimer> user_timers_;
  std::uint64_t settling_tick_ = 0;  // of the slots that are being settled; 0: to be read
  BlockPool blocks_;
  ShardCounters counters_;
  Drain drain_;
  const Completion* received_ = nullptr;  // what the running on_receive was lent
  Slot* dirty_first_ = nullptr;           // a list through Slot::dirty_next, first in first out
  Slot* dirty_last_ = nullptr;
  std::vector<ConnectionId> starved_;
  Timer starved_timer_;
  Shortage receive_shortage_;
  Shortage send_shortage_;
};

}  // namespace iocpp::core

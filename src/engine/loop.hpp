// A shard as the server sees it, whatever backend it runs on; and what the shards of one server share.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include "base/cache_line.hpp"
#include "base/clock.hpp"
#include "core/core.hpp"
#include "core/gate.hpp"
#include "core/placement.hpp"
#include "engine/backend.hpp"
#include "engine/mailbox.hpp"
#include "iocpp/accept_health.hpp"

namespace iocpp::engine {

/// What a monitor may read of a listener, on any thread; its loop writes it.
struct ListenerNote {
  std::uint16_t number = 0;                     ///< Its listener's, in the options.
  std::atomic<NativeHandle> handle{no_handle};  ///< It may be closed by now, and its number somebody else's.
  std::atomic<AcceptState> state{AcceptState::closed};
  std::atomic<std::uint32_t> in_flight{0};
  std::atomic<Clock::rep> last_accept{0};
  core::Counter accepted;
};

/// One shard's loop: a thread (or the simulator) calls `set_up` once, then `begin`, then `turn` until it answers false.
/// One virtual call a turn. What other threads write lies on cache lines of its own, so that an operation writes no
/// line that another shard has.
class alignas(cache_line) Loop {
 public:
  virtual ~Loop() = default;

  /// On the loop's own thread: makes the port. `handlers`: one a listener, then the server's own. After an error the
  /// loop must do nothing else.
  [[nodiscard]] virtual std::error_code set_up(std::vector<Handler*> handlers) = 0;
  /// Accepts from now on: the listeners are the loop's.
  virtual void begin() = 0;
  /// In place of `begin`: closes the port. The listeners stay the caller's.
  virtual void give_up() noexcept = 0;
  /// Both, for a loop that is alone.
  [[nodiscard]] std::error_code open(std::vector<Handler*> handlers) {
    if (const std::error_code error = set_up(std::move(handlers))) return error;
    begin();
    return {};
  }

  /// Waits for completions, handles them, posts what follows. False: it has ended, nothing is in flight and the port is
  /// closed.
  virtual bool turn() = 0;

  /// Ends the wait, now or next time. Any thread, and signal handlers.
  virtual void wake() noexcept = 0;

  Mailbox& mailbox() noexcept { return mailbox_; }
  core::Core& core() noexcept { return core_; }
  const core::Core& core() const noexcept { return core_; }

  /// For monitors; any thread. Since when the turn that runs has lasted; nothing while it waits.
  std::optional<TimePoint> busy_since() const noexcept {
    const Clock::rep since = busy_since_.load(std::memory_order_relaxed);
    if (since == 0) return std::nullopt;
    return TimePoint{Clock::duration{since}};
  }
  const std::deque<ListenerNote>& listener_notes() const noexcept { return listener_notes_; }

  /// Connections that it has or is about to get.
  std::uint64_t load() const noexcept {
    return core_.counters().connections_open.get() + core_.counters().preparing.get() +
           arriving_.load(std::memory_order_relaxed);
  }
  void arriving() noexcept { arriving_.fetch_add(1, std::memory_order_relaxed); }
  void arrived() noexcept { arriving_.fetch_sub(1, std::memory_order_relaxed); }

  /// Another shard has closed a handle. Any thread.
  void handle_freed() noexcept {
    if (!waits_for_handle_.load() || !waits_for_handle_.exchange(false)) return;
    handle_was_freed_.store(true);
    wake();
  }

  /// Another shard's connection has ended, and the gate knows. Any thread. Whoever waits says so before it asks the
  /// gate for the last time: so one of the two sees the other.
  void place_freed() noexcept {
    if (waits_for_place_.load() && waits_for_place_.exchange(false)) wake();
  }

 protected:
  Loop(const core::CoreConfig& config, core::Gate& gate, core::TimeSource& time, std::size_t mailbox_bytes_max)
      : mailbox_{mailbox_bytes_max, [this] { wake(); }}, core_{config, gate, time} {}

  // Written by other threads too.
  alignas(cache_line) Mailbox mailbox_;
  std::atomic<std::uint64_t> arriving_{0};
  std::atomic<bool> waits_for_handle_{false};
  std::atomic<bool> handle_was_freed_{false};
  std::atomic<bool> waits_for_place_{false};

  // Written by its own.
  alignas(cache_line) core::Core core_;
  std::atomic<Clock::rep> busy_since_{0};
  std::deque<ListenerNote> listener_notes_;
};

/// What the shards of one server share. It outlives them. What is written now and then (a connection, a portion of the
/// budget) lies apart from what each turn reads.
struct Group {
  explicit Group(const Limits& limits, const HashKey& key = {}, std::size_t send_bytes_max = 0, std::size_t shards = 1)
      : gate{limits, key}, send_budget{send_bytes_max, shards} {}
  explicit Group(std::size_t connections_max) : Group{Limits{.connections_max = connections_max}} {}

  core::Gate gate;
  core::SendBudget send_budget;
  alignas(cache_line) std::vector<Loop*> loops;  ///< The shards that have connections; complete before the first turn.
  std::vector<Loop*> acceptors;                  ///< All loops that accept.
  std::atomic<Clock::rep> drain_deadline{not_draining};
  /// Set before the drain that follows: another server goes on (a successor, or a predecessor that was not replaced).
  std::atomic<bool> handed_over{false};
  /// ... and of which listeners it has the sockets too, by number. Empty: of none.
  std::vector<std::atomic<bool>> handed_listeners{};
  std::atomic<unsigned> listeners_open{0};  ///< Of all loops.
  /// Reserve handles that are given up for a moment, or lost. Whoever gets a client meanwhile has their handle, and
  /// gives it back: otherwise the shard without its reserve could answer nobody until a connection ends.
  std::atomic<unsigned> reserves_out{0};
  /// A loop that accepts for the others has not ended: they may still get connections.
  std::atomic<bool> placing{false};

  static constexpr Clock::rep not_draining = std::numeric_limits<Clock::rep>::max();

  bool others_have(std::size_t listener) const noexcept {
    return handed_over.load() && listener < handed_listeners.size() && handed_listeners[listener].load();
  }

  /// Waits until no loop accepts any more, but for listeners that are nobody else's.
  void wait_until_deaf() const noexcept {
    for (unsigned open = listeners_open.load(); open != 0; open = listeners_open.load()) listeners_open.wait(open);
  }
  void listener_closed() noexcept {
    if (listeners_open.fetch_sub(1) == 1) listeners_open.notify_all();
  }

  /// The loop that accepts for the others has ended, or will not begin.
  void placing_ended() noexcept {
    placing.store(false);
    for (Loop* loop : loops) loop->wake();
  }

  /// Any thread, signal handlers too. A later call may only shorten the deadline.
  void request_drain(TimePoint deadline) noexcept {
    const Clock::rep wanted = deadline.time_since_epoch().count();
    Clock::rep current = drain_deadline.load();
    while (wanted < current && !drain_deadline.compare_exchange_weak(current, wanted)) {
    }
    for (Loop* loop : loops) loop->wake();
    for (Loop* loop : acceptors) loop->wake();
  }
};

struct EngineConfig {
  core::CoreConfig core;
  BackendConfig backend;
  core::Placement placement = core::Placement::self;
  unsigned accepts_in_flight = 16;
  std::size_t lend_bytes_min = 4096;  ///< Where the port lends: from here on it pays (docs/PERFORMANCE.md).
  std::size_t mailbox_bytes_max = 64U << 20;
  std::vector<NativeHandle> listeners;          ///< Bound and listening; the engine's from now on. May be empty.
  std::vector<std::uint16_t> listener_numbers;  ///< Of each, in the options. Empty: the order is the same.
  /// Makes a socket of listener `index` of the options anew after it was lost: its handle, or no_handle and the native
  /// error.
  std::function<NativeHandle(std::size_t index, int& error)> reopen_listener;
};

}  // namespace iocpp::engine

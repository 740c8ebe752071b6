// The engine: one shard's turn over a backend. Flush, wait, dispatch.
#pragma once

#include <array>
#include <cassert>
#include <deque>
#include <optional>

#include "core/acceptor.hpp"
#include "engine/listener.hpp"
#include "engine/loop.hpp"
#include "engine/postponed.hpp"
#include "iocpp/error.hpp"

namespace iocpp::engine {

template <CompletionPort Port>
class Engine final : public Loop, private core::TimeSource {
 public:
  /// `arguments` are the port's own.
  template <class... Arguments>
  Engine(const EngineConfig& config, Group& group, Arguments&&... arguments)
      : Engine{config, group, std::make_unique<Port>(std::forward<Arguments>(arguments)...)} {}

  [[nodiscard]] std::error_code set_up(std::vector<Handler*> handlers) override;
  void begin() override;
  void give_up() noexcept override { port_->stop(); }
  bool turn() override;
  void wake() noexcept override { port_->wake(); }

  /// For tests and the simulator: the invariant of the accept chain, for each listener, between turns.
  bool accept_chain_holds() const noexcept;
  const std::deque<Listener>& listeners() const noexcept { return listeners_; }
  bool has_reserve() const noexcept { return listeners_.empty() || !reserve_out_; }
  Port& port() noexcept { return *port_; }

 private:
  Engine(const EngineConfig& config, Group& group, std::unique_ptr<Port> port);

  /// Accepted, and admitted by the gate.
  struct Client {
    NativeHandle handle;
    std::uint16_t listener;
    std::uint32_t place;    ///< The gate's.
    bool prepares = false;  ///< By a stage, before the handler is told.
  };

  TimePoint now() noexcept override { return port_->now(); }

  /// Between two reports of one kind of trouble.
  static constexpr std::chrono::seconds report_pause{1};

  // turn.hpp: one turn
  static core::CoreConfig core_config(const EngineConfig& config, Group& group) noexcept;
  void note_wait_error(int error);
  bool renewed();
  bool note_unusable() noexcept;
  void begin_anew(int error);
  std::optional<std::chrono::nanoseconds> wait_time() const noexcept;
  void dispatch(const Completion& completion);
  void on_timer(core::Timer& timer);
  void postpone(Message& message);
  void flush();
  bool post(core::Slot& slot);
  bool post_send(core::Slot& slot);
  bool post_send(core::Slot& slot, std::span<const Buffer> buffers);
  void handle_message(Message& message);
  void return_message(Message& message);
  void return_send(Message& message, errc why);
  void note_drain();
  void arm_patience() noexcept;
  bool finished();

  // accepting.hpp: the accept chain
  void on_accept(const Completion& completion);
  void note_lost(Listener& listener, int error) noexcept;
  void count_shortage(Listener& listener, core::AcceptOutcome outcome, int error);
  void on_poll(const Completion& completion);
  void shed(Listener& listener);
  Shed shed_one(const Listener& listener);
  void give_up_reserve() noexcept;
  void keep_reserve();
  void take_client(Listener& listener, NativeHandle handle);
  void admit(NativeHandle handle, std::uint32_t listener);
  void place(const Client& client);
  bool hand_over(Loop& loop, const Client& client);
  void adopt(const Client& client);
  void turn_away(const Client& client) noexcept;
  void refuse(NativeHandle handle, Refusal why) noexcept;
  void note_freed_handle() noexcept;
  void note_freed_place() noexcept;
  core::Room room();
  void keep_accepting();
  void keep_accepting(Listener& listener);
  void tell_monitors(const Listener& listener) noexcept;
  void close_in_order(Listener& listener);
  void tell_deaf(Listener& listener) noexcept;
  bool accept_the_rest(Listener& listener);
  bool wait_for_the_rest(Listener& listener, core::AcceptOutcome outcome);
  void rebuild(Listener& listener);
  void close_handle(Listener& listener) noexcept;
  void report(Listener& listener, ServerError::Kind kind, int error);

  Group& group_;
  EngineConfig config_;
  std::unique_ptr<Port> port_;
  std::deque<Listener> listeners_;
  core::Timer drain_timer_;
  core::Timer patience_timer_;
  Postponed postponed_;
  TimePoint now_{};
  std::size_t last_placed_ = 0;
  bool posts_refused_ = false;  // a posting call had no room: the next wait does not sleep
  bool hurries_ = false;        // nor where more is to be done when a quiet send has ended
  bool draining_ = false;
  bool reserve_out_ = false;  // counted in the group: the reserve handle is given up, or lost
  TimePoint drain_deadline_{};
  TimePoint loop_quiet_until_{};
};

}  // namespace iocpp::engine

#include "engine/accepting.hpp"
#include "engine/turn.hpp"

// What a server consists of: its sockets, its shards' loops, their threads.
#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "backend/choose.hpp"
#include "backend/hand_over.hpp"
#include "backend/listening.hpp"
#include "engine/loop.hpp"
#include "iocpp/server.hpp"
#include "server/accept_health.hpp"

namespace iocpp {

/// Made by the constructor (sockets, loops), threads by `start`. A loop belongs to its thread from `start` until that
/// thread is joined; what others may touch meanwhile is its mailbox, its wake and its counters.
class Server::Running {
 public:
  Running(Options options, Handler* handler, HandlerFactory factory, unsigned default_shards);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// While a `run` lasts: one at a time, and none of a server that was started.
  class InRun {
   public:
    explicit InRun(Running& running);
    ~InRun();
    InRun(const InRun&) = delete;
    InRun& operator=(const InRun&) = delete;

   private:
    Running& running_;
  };

  /// `caller` is named by what it throws.
  void start(const char* caller);
  void request_drain(std::chrono::milliseconds deadline) noexcept;
  DrainReport wait();
  bool on_own_thread() const noexcept;
  /// A message that is refused is left where it was.
  std::error_code put(unsigned shard, std::unique_ptr<engine::Message>&& message);

  std::error_code put_after(unsigned shard, std::chrono::nanoseconds delay, std::function<void()> task);

  const Options& options() const noexcept { return options_; }
  const backend::Choice& choice() const noexcept { return choice_; }
  std::string listener_name(std::size_t index) const;
  const std::vector<backend::ListeningSockets>& listeners() const noexcept { return listeners_; }
  /// Throws `std::out_of_range` that names the caller.
  const backend::ListeningSockets& listener(std::size_t index, const char* caller) const;
  unsigned shards() const noexcept { return static_cast<unsigned>(group_.loops.size()); }
  Connection connection(ConnectionId id) const noexcept;
  engine::Loop* shard(unsigned index) const noexcept {
    return index < group_.loops.size() ? group_.loops[index] : nullptr;
  }
  Counters counters() const;
  bool took_over() const noexcept { return took_over_; }
  AcceptHealth accept_health(std::chrono::milliseconds stalled_after) const;

 private:
  class ErrorsToShard;
  /// A loop with the thread that turns it and the sockets that it was given.
  struct Member {
    std::unique_ptr<engine::Loop> loop;
    std::vector<NativeHandle> listeners;
    bool began = false;  ///< The listeners are the loop's.
    std::thread thread;
  };

  bool needs_accept_thread() const noexcept;
  void bind_all();
  void remove_socket_files() noexcept;
  void close_bound() noexcept;

  // handing_over.cpp
  void meet_predecessor();
  void take_over();
  void take_over(std::size_t number);
  void join_inherited(std::size_t number, backend::HandedListener& handed);
  void make_sockets_own() noexcept;
  void note_reopened(std::size_t listener, NativeHandle handle) noexcept;
  std::vector<backend::HandedListener> to_hand_over();
  void begin_handing_over() noexcept;
  void hand_over() noexcept;
  void make_loops();
  struct Sockets {
    std::vector<NativeHandle> handles;
    std::vector<std::uint16_t> numbers;  ///< Whose listener's each is.
  };
  Sockets nth_sockets(std::size_t nth, std::size_t of) const;
  void make_loop(unsigned number, core::Placement placement, Sockets listeners);
  engine::EngineConfig engine_config(unsigned number) const;
  NativeHandle reopen(std::size_t listener, int& error) noexcept;

  void start_members() noexcept;
  std::exception_ptr wait_until_begun();
  bool wait_until_set_up();
  void close_unused() noexcept;
  bool wait_until_started();
  void run_member(unsigned number);
  void serve(unsigned number, Member& member);
  std::vector<Handler*> handlers_of(unsigned number, std::unique_ptr<Handler>& made);
  void is_set_up(std::exception_ptr error) noexcept;
  void began() noexcept;
  void join_all();

  Options options_;
  Handler* handler_;
  HandlerFactory factory_;
  backend::Choice choice_;
  std::vector<backend::ListeningSockets> listeners_;
  std::unique_ptr<core::Stages> stages_;
  engine::Group group_;
  std::unique_ptr<Handler> errors_to_shard_;
  std::unique_ptr<backend::Predecessor> predecessor_;  ///< Until it was replaced, by start.
  std::unique_ptr<backend::MeetingPoint> meeting_point_;
  std::atomic<backend::MeetingPoint*> to_stop_{nullptr};  ///< The meeting point, for request_drain.
  std::atomic<bool> has_handed_over_{false};
  std::thread hand_over_thread_;
  bool took_over_ = false;
  std::vector<Member> members_;  ///< The shards, then the accepting loop if there is one.

  mutable server::AcceptMonitor monitor_;

  std::mutex mutex_;  // of start and wait only, never of a connection's path
  std::condition_variable start_changed_;
  unsigned members_set_up_ = 0;  // or failed
  unsigned members_began_ = 0;
  bool may_begin_ = false;  // or, with start_error_, may not
  std::exception_ptr start_error_;
  std::mutex join_mutex_;
  std::mutex reopened_mutex_;
  std::vector<std::vector<NativeHandle>> reopened_;  // of reopened_mutex_: by listener, those made anew
  bool started_ = false;                             // of mutex_
  bool in_run_ = false;                              // of mutex_
  bool starting_ = false;                            // of mutex_: start() runs
  std::atomic<Clock::rep> drain_requested_{0};
  std::atomic<Clock::rep> last_ended_{0};
};

}  // namespace iocpp

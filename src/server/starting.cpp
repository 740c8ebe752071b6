// A server's start: its threads, and what each of them sets up; none serves before all can.
#include <algorithm>
#include <utility>

#include "iocpp/error.hpp"
#include "server/running.hpp"

namespace iocpp {

namespace {

[[noreturn]] void refuse(const std::string& call, const char* why) {
  throw std::system_error(make_error_code(errc::invalid_argument), call + ": " + why);
}

constexpr const char* runs_once = "it was started before; a server runs once: make a new one";

}  // namespace

Server::Running::InRun::InRun(Running& running) : running_{running} {
  const std::lock_guard lock{running_.mutex_};
  if (running_.in_run_) refuse("Server::run", "this server is already in run()");
  if (running_.started_) refuse("Server::run", runs_once);
  running_.in_run_ = true;
}

Server::Running::InRun::~InRun() {
  const std::lock_guard lock{running_.mutex_};
  running_.in_run_ = false;
}

void Server::Running::start(const char* caller) {
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(started_, true)) refuse(caller, runs_once);
    starting_ = true;
  }
  // Until it is replaced, a predecessor has whoever waits in the sockets that both have.
  group_.handed_over = predecessor_ != nullptr;
  start_members();
  make_sockets_own();
  const std::exception_ptr error = wait_until_begun();
  if (error != nullptr) {
    // Nobody was accepted; a predecessor goes on.
    join_all();
    close_unused();
    predecessor_.reset();
  } else if (predecessor_ != nullptr && drain_requested_.load() != 0) {
    // It is to end before it has begun: the predecessor is told nothing, and goes on.
    predecessor_.reset();
  } else if (!options_.hand_over_path.empty()) {
    begin_handing_over();
  }
  {
    const std::lock_guard lock{mutex_};
    starting_ = false;
  }
  start_changed_.notify_all();
  if (error != nullptr) std::rethrow_exception(error);
}

void Server::Running::start_members() noexcept {
  try {
    for (unsigned number = 0; number < members_.size(); ++number) {
      members_[number].thread = std::thread{[this, number] { run_member(number); }};
    }
  } catch (...) {
    const unsigned missing = static_cast<unsigned>(
        std::ranges::count_if(members_, [](const Member& member) { return !member.thread.joinable(); }));
    for (unsigned count = 0; count < missing; ++count) is_set_up(std::current_exception());
  }
}

std::exception_ptr Server::Running::wait_until_begun() {
  std::unique_lock lock{mutex_};
  start_changed_.wait(lock, [this] { return start_error_ != nullptr || members_began_ == members_.size(); });
  return start_error_;
}

/// When all are set up, so that the server will serve: not sooner, since the sockets may be a predecessor's too, whose
/// clients would get the options of a server that never was.
void Server::Running::make_sockets_own() noexcept {
  std::unique_lock lock{mutex_};
  start_changed_.wait(lock, [this] { return members_set_up_ == members_.size(); });
  if (start_error_ == nullptr) {
    try {
      for (const backend::ListeningSockets& sockets : listeners_) backend::make_own(sockets, options_);
    } catch (...) {
      start_error_ = std::current_exception();
    }
  }
  may_begin_ = true;
  start_changed_.notify_all();
}

/// No loop accepts before all could: whom it placed on another one would wait there for nobody, and whom it took from a
/// predecessor would be lost. False: one of them can't.
bool Server::Running::wait_until_set_up() {
  std::unique_lock lock{mutex_};
  start_changed_.wait(lock, [this] { return may_begin_; });
  return start_error_ == nullptr;
}

void Server::Running::is_set_up(std::exception_ptr error) noexcept {
  const std::lock_guard lock{mutex_};
  ++members_set_up_;
  if (start_error_ == nullptr) start_error_ = std::move(error);
  start_changed_.notify_all();
}

void Server::Running::began() noexcept {
  const std::lock_guard lock{mutex_};
  ++members_began_;
  start_changed_.notify_all();
}

void Server::Running::serve(unsigned number, Member& member) {
  std::unique_ptr<Handler> made;
  try {
    if (options_.on_thread_start) options_.on_thread_start(number);
    const std::error_code error = member.loop->set_up(handlers_of(number, made));
    if (error) throw std::system_error(error, "can't set up " + std::string{to_string(choice_.backend)});
  } catch (...) {
    return is_set_up(std::current_exception());
  }
  is_set_up(nullptr);
  if (!wait_until_set_up()) return member.loop->give_up();
  member.began = true;
  member.loop->begin();
  began();
  while (member.loop->turn()) {
  }
}

std::vector<Handler*> Server::Running::handlers_of(unsigned number, std::unique_ptr<Handler>& made) {
  Handler* handler = handler_;
  if (number == options_.shards) {
    handler = errors_to_shard_.get();
  } else if (factory_) {
    made = factory_(number);
    if (made == nullptr)
      throw std::system_error(make_error_code(errc::invalid_argument), "HandlerFactory returned null");
    handler = made.get();
  }
  std::vector<Handler*> handlers;
  for (const Listen& listen : options_.listen) {
    const bool own = listen.handler != nullptr && number != options_.shards;
    handlers.push_back(own ? listen.handler : handler);
  }
  handlers.push_back(handler);
  return handlers;
}

}  // namespace iocpp

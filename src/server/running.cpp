#include "server/running.hpp"

#include <algorithm>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <utility>

#include "iocpp/error.hpp"
#include "server/check_options.hpp"
#include "stage/proxy_stage.hpp"

namespace iocpp {
namespace {

/// The server whose thread this is; for `wait`, which must not wait for itself.
thread_local const void* server_of_this_thread = nullptr;

/// The loop that this thread turns; for `connection`, whose handles are valid on it only.
thread_local const engine::Loop* loop_of_this_thread = nullptr;

/// Which addresses meet in the table of the limits is nobody's business.
HashKey random_key() {
  std::random_device device;
  const auto word = [&device] { return (std::uint64_t{device()} << 32) | device(); };
  const std::uint64_t low = word();
  return {low, word()};
}

/// Of a file in the way the system says what it says of a socket on which somebody listens (unix(7), EADDRINUSE).
void refuse_what_is_no_socket(const std::string& host) {
  const std::string path = host.substr(host.find(':') + 1);
  std::error_code unknown;
  const auto status = std::filesystem::symlink_status(path, unknown);
  if (path.starts_with('@') || !std::filesystem::exists(status) || std::filesystem::is_socket(status)) return;
  throw std::system_error(make_error_code(errc::address_in_use),
                          "listen on " + host + ": what is there is no socket; choose another path, or remove it");
}

TimePoint now() noexcept {
  return TimePoint{std::chrono::steady_clock::now().time_since_epoch()};
}

}  // namespace

/// The accepting thread's handler: it has no connections, and what it reports is told to the handler of shard 0, on
/// that shard's thread.
class Server::Running::ErrorsToShard final : public Handler {
 public:
  explicit ErrorsToShard(engine::Loop& shard) : shard_{shard} {}

  void on_server_error(const ServerError& error) override {
    auto message = std::make_unique<engine::Message>(engine::Message::Kind::task);
    message->task = [&shard = shard_, error] { shard.core().handler(error.listener).on_server_error(error); };
    // A full mailbox loses the report; the counters have it.
    [[maybe_unused]] const std::error_code lost = shard_.mailbox().put(message);
  }

 private:
  engine::Loop& shard_;
};

Server::Running::Running(Options options, Handler* handler, HandlerFactory factory, unsigned default_shards)
    : options_{server::checked(std::move(options), default_shards)},
      handler_{handler},
      factory_{std::move(factory)},
      choice_{backend::choose(options_.backend)},
      stages_{stage::stages_of(options_)},
      group_{options_.limits, random_key(), options_.send_queue_bytes_max_total, options_.shards} {
  if (handler_ == nullptr && !factory_)
    throw std::system_error(make_error_code(errc::invalid_argument), "an empty HandlerFactory");
  meet_predecessor();
  listeners_.resize(options_.listen.size());
  group_.handed_listeners = std::vector<std::atomic<bool>>(options_.listen.size());
  reopened_.resize(options_.listen.size());
  try {
    if (predecessor_ != nullptr) take_over();
    options_.accept_thread = options_.accept_thread || needs_accept_thread();
    bind_all();
    if (!options_.hand_over_path.empty() && predecessor_ == nullptr)
      meeting_point_ = backend::MeetingPoint::make(options_.hand_over_path);
    make_loops();
  } catch (...) {
    close_bound();
    remove_socket_files();
    throw;
  }
}

Server::Running::~Running() {
  if (started_) {
    request_drain(std::chrono::milliseconds{0});
    join_all();
  }
  close_unused();
  remove_socket_files();
}

/// Of loops that did not begin. Who waits in a socket that nobody else has is reset.
void Server::Running::close_unused() noexcept {
  for (Member& member : members_) {
    if (member.began) continue;
    std::ranges::for_each(std::exchange(member.listeners, {}), backend::close_socket);
    member.loop->mailbox().close([](engine::Message&) {});
  }
}

void Server::Running::remove_socket_files() noexcept {
  for (const backend::ListeningSockets& sockets : listeners_) backend::remove_socket_file(sockets.file);
}

const backend::ListeningSockets& Server::Running::listener(std::size_t index, const char* caller) const {
  if (index < listeners_.size()) return listeners_[index];
  throw std::out_of_range(std::string{caller} + ": listener " + std::to_string(index) + " of " +
                          std::to_string(listeners_.size()));
}

std::string Server::Running::listener_name(std::size_t index) const {
  const backend::ListeningSockets& sockets = listener(index, "Server::listener_name");
  return sockets.name.empty() ? sockets.address.to_string() : sockets.name;
}

bool Server::Running::needs_accept_thread() const noexcept {
  if (options_.shards == 1) return false;
  // No more sockets can be had for those that listen already: one that joined them (SO_REUSEPORT) would get its share
  // of clients at once, and lose them where this server dies before it has started.
  for (std::size_t number = 0; number < options_.listen.size(); ++number) {
    const std::size_t sockets = std::max(listeners_[number].handles.size(), options_.listen[number].inherited.size());
    if (sockets != 0 && sockets < options_.shards) return true;
  }
  return !backend::shares_port(choice_.backend) || std::ranges::any_of(options_.listen, backend::is_unix);
}

void Server::Running::bind_all() {
  const std::size_t sockets = options_.accept_thread ? 1 : options_.shards;
  for (std::size_t number = 0; number < listeners_.size(); ++number) {
    const Listen& listen = options_.listen[number];
    if (!listeners_[number].handles.empty()) continue;
    if (backend::is_unix(listen)) refuse_what_is_no_socket(listen.host);
    listeners_[number] =
        listen.inherited.empty() ? backend::listen_on(listen, options_, sockets) : backend::inherit(listen);
  }
}

/// Those that were inherited stay the caller's.
void Server::Running::close_bound() noexcept {
  for (std::size_t number = 0; number < listeners_.size(); ++number) {
    const std::vector<std::intptr_t>& inherited = options_.listen[number].inherited;
    for (const NativeHandle handle : listeners_[number].handles) {
      if (std::ranges::find(inherited, handle) == inherited.end()) backend::close_socket(handle);
    }
  }
}

/// Of each listener's sockets the `nth`, and each `of`th after it: nobody's queue is left unread.
Server::Running::Sockets Server::Running::nth_sockets(std::size_t nth, std::size_t of) const {
  Sockets sockets;
  for (std::size_t number = 0; number < listeners_.size(); ++number) {
    const std::vector<NativeHandle>& handles = listeners_[number].handles;
    for (std::size_t at = nth; at < handles.size(); at += of) {
      sockets.handles.push_back(handles[at]);
      sockets.numbers.push_back(static_cast<std::uint16_t>(number));
    }
  }
  return sockets;
}

void Server::Running::make_loops() {
  members_.reserve(options_.shards + 1);
  for (unsigned shard = 0; shard < options_.shards; ++shard) {
    make_loop(shard, core::Placement::self, options_.accept_thread ? Sockets{} : nth_sockets(shard, options_.shards));
    group_.loops.push_back(members_.back().loop.get());
  }
  if (options_.accept_thread) {
    make_loop(options_.shards, core::Placement::fewest_connections, nth_sockets(0, 1));
    group_.placing = true;
    errors_to_shard_ = std::make_unique<ErrorsToShard>(*group_.loops.front());
  }
  for (const Member& member : members_) {
    if (!member.listeners.empty()) group_.acceptors.push_back(member.loop.get());
  }
}

void Server::Running::make_loop(unsigned number, core::Placement placement, Sockets listeners) {
  engine::EngineConfig config = engine_config(number);
  config.placement = placement;
  config.listeners = listeners.handles;
  config.listener_numbers = std::move(listeners.numbers);
  members_.push_back({.loop = backend::make_loop(choice_.backend, config, group_),
                      .listeners = std::move(listeners.handles),
                      .began = false,
                      .thread = {}});
}

engine::EngineConfig Server::Running::engine_config(unsigned number) const {
  engine::EngineConfig config;
  config.core = {.shard = number,
                 .send_queue_bytes_high = options_.send_queue_bytes_high,
                 .send_queue_bytes_low = options_.send_queue_bytes_low,
                 .send_queue_bytes_max = options_.send_queue_bytes_max,
                 .pause_receive_above_high = options_.pause_receive_above_high,
                 .linger_timeout = options_.linger_timeout,
                 .linger_bytes_max = options_.linger_bytes_max,
                 .deadlines = options_.deadlines,
                 .stages = stages_.get()};
  backend::set_platform(config.core);
  config.backend.sockets = {.tcp_nodelay = options_.tcp_nodelay,
                            .keepalive = options_.keepalive,
                            .receive_buffer = options_.socket_receive_buffer,
                            .send_buffer = options_.socket_send_buffer};
  config.backend.receive_ring_bytes = options_.receive_ring_bytes;
  config.backend.receive_ring_bytes_max = options_.receive_ring_bytes_max;
  config.backend.posted_receive_bytes = options_.posted_receive_bytes;
  config.accepts_in_flight = static_cast<unsigned>(options_.accepts_in_flight);
  config.mailbox_bytes_max = options_.mailbox_bytes_max;
  // Runs on the loop's thread; it reads only what does not change after the constructor.
  config.reopen_listener = [self = const_cast<Running*>(this)](std::size_t listener, int& error) {
    return self->reopen(listener, error);
  };
  return config;
}

NativeHandle Server::Running::reopen(std::size_t listener, int& error) noexcept {
  if (backend::is_unix(options_.listen[listener]))
    return backend::listen_on_unix_again(options_.listen[listener], options_, listeners_[listener].file, error);
  const bool shared = listeners_[listener].handles.size() > 1;
  const NativeHandle handle =
      backend::listen_again(listeners_[listener].address, options_.listen[listener].ipv6_only, options_, shared, error);
  if (handle != no_handle && !options_.hand_over_path.empty()) note_reopened(listener, handle);
  return handle;
}

/// False: it was never started, or could not be.
bool Server::Running::wait_until_started() {
  std::unique_lock lock{mutex_};
  start_changed_.wait(lock, [this] { return !starting_; });
  return started_ && start_error_ == nullptr;
}

void Server::Running::run_member(unsigned number) {
  server_of_this_thread = this;
  loop_of_this_thread = members_[number].loop.get();
  serve(number, members_[number]);
  const Clock::rep ended = now().time_since_epoch().count();
  Clock::rep last = last_ended_.load();
  while (last < ended && !last_ended_.compare_exchange_weak(last, ended)) {
  }
}

void Server::Running::request_drain(std::chrono::milliseconds deadline) noexcept {
  const TimePoint requested = now();
  Clock::rep never = 0;
  drain_requested_.compare_exchange_strong(never, requested.time_since_epoch().count());
  // A deadline far away is kept within what the clock can say.
  group_.request_drain(requested + std::clamp(deadline, std::chrono::milliseconds{0},
                                              std::chrono::milliseconds{std::chrono::hours{24 * 365}}));
  if (backend::MeetingPoint* point = to_stop_.load()) point->stop();
}

bool Server::Running::on_own_thread() const noexcept {
  return server_of_this_thread == this;
}

void Server::Running::join_all() {
  const std::lock_guard lock{join_mutex_};
  for (Member& member : members_) {
    if (member.thread.joinable()) member.thread.join();
  }
  if (hand_over_thread_.joinable()) hand_over_thread_.join();
}

DrainReport Server::Running::wait() {
  if (on_own_thread()) {
    throw std::system_error(make_error_code(errc::resource_deadlock_would_occur),
                            "Server::wait: called on one of the server's own threads");
  }
  DrainReport report;
  if (!wait_until_started()) return report;
  join_all();
  for (const Member& member : members_) {
    const DrainReport& part = member.loop->core().drain().report();
    report.idle_closed += part.idle_closed;
    report.finished += part.finished;
    report.cut += part.cut;
    report.failed += part.failed;
    report.bytes_lost += part.bytes_lost;
  }
  report.handed_over = has_handed_over_.load();
  report.duration =
      std::chrono::ceil<std::chrono::milliseconds>(Clock::duration{last_ended_.load() - drain_requested_.load()});
  return report;
}

Connection Server::Running::connection(ConnectionId id) const noexcept {
  engine::Loop* loop = shard(id.shard());
  return loop != nullptr && loop == loop_of_this_thread ? loop->core().connection(id) : Connection{};
}

std::error_code Server::Running::put_after(unsigned shard_index, std::chrono::nanoseconds delay,
                                           std::function<void()> task) {
  constexpr std::chrono::nanoseconds longest = std::chrono::hours{24 * 365};
  if (!task) return make_error_code(errc::invalid_argument);
  auto message = std::make_unique<engine::Message>(engine::Message::Kind::postponed);
  message->later = std::make_unique<engine::PostponedTask>(
      now() + std::clamp(delay, std::chrono::nanoseconds{0}, longest), std::move(task));
  return put(shard_index, std::move(message));
}

std::error_code Server::Running::put(unsigned shard_index, std::unique_ptr<engine::Message>&& message) {
  engine::Loop* loop = shard(shard_index);
  if (loop == nullptr) return make_error_code(errc::invalid_argument);
  return loop->mailbox().put(message);
}

AcceptHealth Server::Running::accept_health(std::chrono::milliseconds stalled_after) const {
  AcceptHealth health;
  for (unsigned number = 0; number < members_.size(); ++number)
    monitor_.look(*members_[number].loop, number, now(), stalled_after, health);
  health.drops = backend::accept_drops();
  return health;
}

Counters Server::Running::counters() const {
  Counters sum;
  for (const Member& member : members_) {
    member.loop->core().counters().add_to(sum);
    sum.mailbox_full += member.loop->mailbox().times_full();
  }
  sum.addresses_untracked = group_.gate.untracked();
  return sum;
}

}  // namespace iocpp

#include "iocpp/server.hpp"

#include <algorithm>

#include "backend/stop_signals.hpp"
#include "iocpp/error.hpp"
#include "server/running.hpp"

namespace iocpp {

using engine::Message;

Server::Server(Options options, Handler& handler)
    : running_{std::make_unique<Running>(std::move(options), &handler, HandlerFactory{}, 1)} {}

Server::Server(Options options, HandlerFactory factory)
    : running_{std::make_unique<Running>(std::move(options), nullptr, std::move(factory),
                                         std::thread::hardware_concurrency())} {}

Server::~Server() = default;

void Server::start() {
  running_->start("Server::start");
}

DrainReport Server::run() {
  // Before the signals are another's: a server that can't run must not take them.
  const Running::InRun in_run{*running_};
  const auto stop = [](void* server, int nth, std::chrono::milliseconds at_most) noexcept {
    Running& running = *static_cast<Running*>(server);
    running.request_drain(nth == 1 ? std::min(running.options().drain_timeout, at_most) : std::chrono::milliseconds{0});
  };
  const backend::StopSignals signals{stop, running_.get()};
  running_->start("Server::run");
  return wait();
}

void Server::request_drain(std::chrono::milliseconds deadline) noexcept {
  running_->request_drain(deadline);
}

DrainReport Server::wait() {
  return running_->wait();
}

std::error_code Server::send(ConnectionId id, std::vector<std::byte>&& bytes) {
  auto message = std::make_unique<Message>(Message::Kind::send);
  message->id = id;
  message->bytes = std::move(bytes);
  const std::error_code error = running_->put(id.shard(), std::move(message));
  // Refused, and left with us.
  if (message != nullptr) bytes = std::move(message->bytes);  // NOLINT(bugprone-use-after-move)
  return error;
}

std::error_code Server::send(ConnectionId id, std::span<const std::byte> bytes) {
  return send(id, std::vector<std::byte>{bytes.begin(), bytes.end()});
}

namespace {

std::unique_ptr<Message> about(ConnectionId id, Message::Kind kind) {
  auto message = std::make_unique<Message>(kind);
  message->id = id;
  return message;
}

}  // namespace

std::error_code Server::shutdown_send(ConnectionId id) {
  return running_->put(id.shard(), about(id, Message::Kind::shutdown_send));
}

std::error_code Server::disconnect(ConnectionId id) {
  return running_->put(id.shard(), about(id, Message::Kind::close));
}

std::error_code Server::abort(ConnectionId id) {
  return running_->put(id.shard(), about(id, Message::Kind::abort));
}

std::error_code Server::post(unsigned shard, std::function<void()> task) {
  if (!task) return make_error_code(errc::invalid_argument);
  auto message = std::make_unique<Message>(Message::Kind::task);
  message->task = std::move(task);
  return running_->put(shard, std::move(message));
}

std::error_code Server::post_after(unsigned shard, std::chrono::nanoseconds delay, std::function<void()> task) {
  return running_->put_after(shard, delay, std::move(task));
}

Connection Server::connection(ConnectionId id) noexcept {
  return running_->connection(id);
}

bool Server::took_over() const noexcept {
  return running_->took_over();
}

Address Server::address(std::size_t index) const {
  return running_->listener(index, "Server::address").address;
}

std::string Server::listener_name(std::size_t index) const {
  return running_->listener_name(index);
}

std::size_t Server::listener_count() const noexcept {
  return running_->listeners().size();
}

unsigned Server::shards() const noexcept {
  return running_->shards();
}

Backend Server::backend() const noexcept {
  return running_->choice().backend;
}

std::string Server::backend_reason() const {
  return running_->choice().reason;
}

Counters Server::counters() const {
  return running_->counters();
}

AcceptHealth Server::accept_health(std::chrono::milliseconds stalled_after) const {
  return running_->accept_health(stalled_after);
}

}  // namespace iocpp

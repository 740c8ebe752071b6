#include "accept_watch.hpp"

#include <chrono>
#include <iostream>

#include "program/figures.hpp"

namespace {

constexpr std::chrono::seconds look_pause{1};

/// What stalls it, for people.
std::string reason_of(const iocpp::AcceptHealth& health) {
  std::string text;
  for (const iocpp::ListenerHealth& listener : health.listeners) {
    if (!listener.stalled) continue;
    text += (text.empty() ? "" : "; ") + ("listener " + std::to_string(listener.listener)) + " of shard " +
            std::to_string(listener.shard) + " (" + std::string{to_string(listener.state)} + ")";
    if (listener.queue) text += ", " + std::to_string(listener.queue->depth) + " wait";
  }
  return text + "; the longest turn lasts " + program::duration_text(health.longest_turn);
}

}  // namespace

AcceptWatch::AcceptWatch(const iocpp::Server& server) : server_{server}, thread_{[this] { run(); }} {}

void AcceptWatch::stop() {
  {
    const std::lock_guard lock{mutex_};
    stop_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void AcceptWatch::run() {
  std::unique_lock lock{mutex_};
  do {
    look();
  } while (!stopped_.wait_for(lock, look_pause, [this] { return stop_; }));
  last_ = server_.accept_health().drops;
}

void AcceptWatch::look() {
  const iocpp::AcceptHealth health = server_.accept_health();
  if (!first_) first_ = health.drops;
  for (const iocpp::ListenerHealth& listener : health.listeners) {
    if (listener.queue && (!deepest_ || listener.queue->depth > deepest_->depth)) deepest_ = listener.queue;
  }
  seconds_stalled_ += health.accept_stalled ? 1U : 0U;
  if (health.accept_stalled && !stalled_) std::cerr << "accepting is stalled: " << reason_of(health) << std::endl;
  if (!health.accept_stalled && stalled_) std::cerr << "accepting goes on" << std::endl;
  stalled_ = health.accept_stalled;
}

nlohmann::ordered_json AcceptWatch::to_json() const {
  nlohmann::ordered_json json{{"seconds_stalled", seconds_stalled_}};
  if (deepest_) {
    json["queue_depth_most"] = deepest_->depth;
    json["queue_limit"] = deepest_->most;
  }
  if (first_ && last_) {
    json["namespace_listen_overflows"] = last_->overflows - first_->overflows;
    json["namespace_listen_drops"] = last_->drops - first_->drops;
  }
  return json;
}

void AcceptWatch::print(std::ostream& out) const {
  if (seconds_stalled_ != 0) program::line(out, "accepting was stalled for", std::to_string(seconds_stalled_) + " s");
  if (deepest_ && deepest_->depth != 0)
    program::line(out, "deepest accept queue seen",
                  std::to_string(deepest_->depth) + " of " + std::to_string(deepest_->most));
  if (first_ && last_ && last_->drops != first_->drops)
    program::line(out, "dropped by the system",
                  program::with_commas(last_->drops - first_->drops) +
                      " while it ran, of all listeners in its network namespace");
}

// A run of a user's own test: its scripts in place of traffic, and what must hold when they are done.
#include <algorithm>
#include <exception>
#include <utility>

#include "iocpp/error.hpp"
#include "simulator/run.hpp"

namespace iocpp::simulator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Scripts have bounds of their own; this one is for the loop that waits for them.
constexpr std::chrono::hours scripts_bound{24 * 365 * 100};

/// As the server's: what the accepting thread reports is told on shard 0.
class ErrorsToShard final : public Handler {
 public:
  ErrorsToShard(engine::Loop& shard, Handler& handler) : shard_{shard}, handler_{handler} {}

  void on_server_error(const ServerError& error) override {
    auto message = std::make_unique<engine::Message>(engine::Message::Kind::task);
    message->task = [this, error] { handler_.on_server_error(error); };
    // A full mailbox loses the report; the counters have it.
    [[maybe_unused]] const std::error_code lost = shard_.mailbox().put(message);
  }

 private:
  engine::Loop& shard_;
  Handler& handler_;
};

}  // namespace

std::unique_ptr<Handler> Run::errors_to_shard() {
  Member& first = members_.front();
  return std::make_unique<ErrorsToShard>(first.shard->loop(), *first.handler);
}

void Run::begin_scripts() {
  if (!open()) return;
  machine_.note(What::phase, 0, 1);
  peers_.start();
  if (plan_.faults == Level::none) return;
  machine_.schedule.after(milliseconds{1}, EventKind::other_thread, 0, 0);
  machine_.schedule.after(milliseconds{1}, EventKind::handles, 0, 0);
}

void Run::run_for(std::chrono::nanoseconds time) {
  until([] { return false; }, time);
}

void Run::finish_scripts() {
  const auto all_done = [this] { return scripted_->all_done() && peers_.all_done(); };
  if (!until(all_done, scripts_bound) && !machine_.violation()) fail("a script is not done, and nothing will come");
  if (!machine_.violation()) heal_scripted();
  if (!machine_.violation()) drain_scripted();
}

/// No more faults. Peers leave, but for those that stay for the drain.
void Run::heal_scripted() {
  machine_.note(What::phase, 0, 2);
  healed_ = true;
  machine_.faults.heal();
  peers_.leave();
  scripted_->leave();
  const auto at_rest = [this] {
    std::uint64_t open = 0;
    for (const Member& member : members_) open += member.shard->counters().connections_open.get();
    // Who is in a backlog is still to be met.
    return peers_.all_done() && open == scripted_->staying() && machine_.network.links_in_use() == open;
  };
  if (until(at_rest, seconds{300})) {
    if (scripted_->staying() == 0) check_at_rest();
  } else if (!machine_.violation()) {
    fail("a connection whose peer has gone does not end: was it paused for good, or not closed in on_peer_shutdown?");
  }
}

void Run::drain_scripted() {
  machine_.note(What::phase, 0, 4);
  machine_.network.heal();
  expect_drain();
  scripted_->server_drains();
  group_.request_drain(machine_.now() + draft_.drain_timeout);
  stop_all(draft_.drain_timeout + seconds{60});
  if (machine_.violation()) return;
  until([this] { return scripted_->all_done(); }, draft_.script.patience);
  scripted_->check_done();
}

void Run::after(std::chrono::nanoseconds delay, std::function<void()> task) {
  tasks_.push_back(std::move(task));
  machine_.schedule.after(delay, EventKind::other_thread, static_cast<std::uint32_t>(tasks_.size()), 0);
}

void Run::run_task(std::uint32_t number) {
  const std::function<void()> task = std::exchange(tasks_[number], {});
  try {
    task();
  } catch (const std::exception& exception) {
    fail("a task threw: " + std::string{exception.what()});
  } catch (...) {
    fail("a task threw something that is no std::exception");
  }
  check_calls();
}

std::error_code Run::put(unsigned shard, std::unique_ptr<engine::Message> message) {
  if (shard >= group_.loops.size()) return make_error_code(errc::invalid_argument);
  return group_.loops[shard]->mailbox().put(message);
}

Counters Run::counters() const {
  Counters sum;
  for (const Member& member : members_) {
    member.shard->counters().add_to(sum);
    sum.mailbox_full += member.shard->loop().mailbox().times_full();
  }
  sum.addresses_untracked = group_.gate.untracked();
  return sum;
}

}  // namespace iocpp::simulator

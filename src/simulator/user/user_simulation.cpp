#include "simulator/user/user_simulation.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "iocpp/error.hpp"
#include "server/check_options.hpp"
#include "simulator/quoted.hpp"

namespace iocpp {

using simulator::Draft;
using simulator::PeerHabits;
using simulator::Plan;
using simulator::Platform;

std::string_view to_string(FaultRate rate) noexcept {
  constexpr std::string_view names[]{"none", "light", "heavy"};
  return names[static_cast<std::size_t>(rate)];
}

std::string_view to_string(PeerEnd end) noexcept {
  constexpr std::string_view names[]{"none", "in_order", "reset", "refused", "left", "fault"};
  return names[static_cast<std::size_t>(end)];
}

namespace {

Platform platform_of(Backend backend) noexcept {
  if (backend == Backend::epoll) return Platform::epoll;
  return backend == Backend::iocp ? Platform::iocp : Platform::io_uring;
}

/// So that who is refused is the server's doing, or a fault's.
constexpr std::uint32_t backlog_of_any = 1U << 20;

/// In nanoseconds, with the time until then, it is still a number.
constexpr std::chrono::hours patience_max{24 * 365 * 50};

class LettingTimePass {
 public:
  LettingTimePass(bool& going, const simulator::Run& run) : going_{going} {
    if (!run.is_current()) throw std::logic_error("Simulation: one at a time on a thread, its own");
    if (std::exchange(going_, true)) throw std::logic_error("Simulation: run inside of run");
  }
  ~LettingTimePass() { going_ = false; }
  LettingTimePass(const LettingTimePass&) = delete;
  LettingTimePass& operator=(const LettingTimePass&) = delete;

 private:
  bool& going_;
};

}  // namespace

SimulationOptions simulator::with_system(SimulationOptions options) {
  constexpr Backend systems[]{Backend::io_uring, Backend::epoll, Backend::iocp};
  if (options.server.backend == Backend::automatic) options.server.backend = systems[options.seed % 3];
  return options;
}

Plan Simulation::Running::plan() const {
  return {.seed = options_.seed,
          .platform = platform_of(options_.server.backend),
          .connections = options_.random_peers,
          .faults = static_cast<simulator::Level>(options_.faults),
          .expects_echo = false,
          .only_faults = options_.only_faults};
}

void Simulation::Running::serve(Handler* handler, HandlerFactory factory) {
  if (run_) throw std::logic_error("Simulation::serve: called before");
  options_ = simulator::with_system(std::move(options_));
  Plan plan = this->plan();
  const unsigned drawn_shards = factory ? simulator::draft(plan).shards : 1;
  Options& server = options_.server;
  server.listen.clear();
  server.port = 0;
  server.host.clear();
  // What a real server takes from its process's handle limit must be the same on each machine here.
  if (server.limits.connections_max == 0) server.limits.connections_max = 100'000;
  server = server::checked(server, drawn_shards);
  plan.shared_handler = handler;
  if (factory) {
    plan.handler = [factory = std::move(factory)](unsigned shard) {
      std::unique_ptr<Handler> made = factory(shard);
      if (!made) throw std::system_error(make_error_code(errc::invalid_argument), "HandlerFactory returned null");
      return made;
    };
  }
  run_ = std::make_unique<simulator::Run>(plan, draft_of(plan), simulator::shipped_shard(plan.platform));
  run_->begin_scripts();
}

Draft Simulation::Running::draft_of(const Plan& plan) const {
  const Options& server = options_.server;
  Draft draft = simulator::draft(plan);
  draft.scripted = true;
  draft.shards = server.shards;
  draft.accept_loop = server.accept_thread;
  draft.accepts_in_flight = static_cast<unsigned>(server.accepts_in_flight);
  draft.limits = server.limits;
  draft.proxy = {};
  draft.peers.by_proxy = false;
  draft.habits.network.addresses = 1;
  draft.core = {.send_queue_bytes_high = server.send_queue_bytes_high,
                .send_queue_bytes_low = server.send_queue_bytes_low,
                .send_queue_bytes_max = server.send_queue_bytes_max,
                .pause_receive_above_high = server.pause_receive_above_high,
                .linger_timeout = server.linger_timeout,
                .linger_bytes_max = server.linger_bytes_max,
                .deadlines = server.deadlines};
  draft.send_bytes_max_total = server.send_queue_bytes_max_total;
  draft.mailbox_bytes_max = server.mailbox_bytes_max;
  draft.drain_timeout = server.drain_timeout;
  draft.events_max = options_.events_max;
  draft.peers.expects_echo = false;
  draft.peers.slow_pause_max = PeerHabits{}.slow_pause_max;
  draft.peers.trickle_pause = {};
  draft.handler.exceptions_fail = options_.exceptions_fail;
  draft.script = {.patience = std::min<std::chrono::seconds>(options_.patience, patience_max),
                  .absent = options_.absent_peers};
  if (options_.faults == FaultRate::none) draft.handler.slow_max = {};
  draft.habits.network.backlog = backlog_of_any;
  return draft;
}

simulator::Run& Simulation::Running::server() const {
  if (!run_) throw std::logic_error("Simulation: serve comes first");
  return *run_;
}

simulator::Run& Simulation::Running::going() const {
  if (ended_) throw std::logic_error("Simulation: it has ended with run");
  return server();
}

SimulatedPeer& Simulation::Running::connect(Simulation& simulation, std::chrono::nanoseconds delay) {
  return peers_.emplace_back(SimulatedPeer{simulation, going().scripted().add(delay)});
}

void Simulation::Running::run_for(std::chrono::nanoseconds time) {
  simulator::Run& run = going();
  const LettingTimePass passing{going_, run};
  run.run_for(time);
}

const SimulationResult& Simulation::Running::run() {
  if (ended_) return result_;
  if (run_ && !failed()) {
    const LettingTimePass passing{going_, *run_};
    run_->finish_scripts();
  }
  ended_ = true;
  if (!run_ && failure_.empty()) failure_ = "the test did not call Simulation::serve";
  do_checks();
  conclude();
  return result_;
}

void Simulation::Running::do_checks() {
  for (const Check& check : checks_) {
    if (failed()) return;
    try {
      if (!check.holds()) fail("this does not hold: " + check.what);
    } catch (const std::exception& exception) {
      fail(check.what + ": the check threw: " + exception.what());
    } catch (...) {
      fail(check.what + ": the check threw: something that is no std::exception");
    }
  }
}

void Simulation::Running::fail(std::string_view why) {
  if (run_) return run_->fail(why);
  if (failure_.empty()) failure_ = why;
}

std::error_code Simulation::Running::put(unsigned shard, std::unique_ptr<engine::Message> message) const {
  return server().put(shard, std::move(message));
}

std::uint64_t Simulation::Running::random(std::uint64_t bound) {
  if (bound == 0) throw std::invalid_argument("Simulation::random: a bound of at least 1");
  return chance_.below(bound);
}

/// What a failing step of a peer had behind it: a wrong answer is understood by the ones before it.
std::string Simulation::Running::received_before(std::string_view violation) const {
  constexpr std::size_t most = 60;
  unsigned peer = 0;
  unsigned step = 0;
  if (std::sscanf(std::string{violation}.c_str(), "peer %u, step %u, expects ", &peer, &step) != 2) return {};
  if (peer >= peers_.size()) return {};
  const std::string_view before = run_->scripted().checked(peer);
  if (before.empty()) return {};
  const std::string_view shown = before.substr(before.size() - std::min(before.size(), most));
  return (shown.size() < before.size() ? "... " : "") + simulator::quoted(shown);
}

void Simulation::Running::conclude() {
  result_.options = options_;
  result_.replay = simulator::replay_of(options_);
  result_.violation = failure_;
  if (!run_) return;
  simulator::Outcome outcome = run_->outcome();
  if (outcome.violated == simulator::own_check) {
    result_.violation = outcome.detail;
    result_.received_before = received_before(outcome.detail);
  } else if (outcome.violated != 0) {
    result_.violation =
        "iocpp's invariant " + std::to_string(outcome.violated) + ", " + outcome.invariant + ": " + outcome.detail;
  }
  result_.last_steps = std::move(outcome.last_steps);
  result_.hash = outcome.hash;
  result_.scripted_peers = peers_.size();
  result_.scripts_begun = outcome.scripts_begun;
  result_.scripts_dropped = outcome.scripts_dropped;
  result_.connections = outcome.connections;
  result_.faults = outcome.faults;
  result_.faults_drawn = outcome.faults_drawn;
  result_.events = outcome.events;
  result_.virtual_time = outcome.virtual_time;
  result_.counters = run_->counters();
  const bool tested = result_.scripts_begun == 0 || result_.scripts_dropped != result_.scripts_begun;
  if (!tested && !of_many_ && result_.passed()) result_.violation = simulator::nothing_tested;
}

Simulation::Simulation(SimulationOptions options) : running_{std::make_unique<Running>(std::move(options))} {}
Simulation::~Simulation() = default;

void Simulation::serve(Handler& handler) {
  running_->serve(&handler, {});
}
void Simulation::serve(HandlerFactory factory) {
  running_->serve(nullptr, std::move(factory));
}
SimulatedPeer& Simulation::connect(std::chrono::nanoseconds delay) {
  return running_->connect(*this, delay);
}
void Simulation::run_for(std::chrono::nanoseconds time) {
  running_->run_for(time);
}
const SimulationResult& Simulation::run() {
  return running_->run();
}
void Simulation::check(std::string what, std::function<bool()> holds) {
  running_->check(std::move(what), std::move(holds));
}
void Simulation::fail(std::string_view why) {
  running_->fail(why);
}
bool Simulation::failed() const noexcept {
  return running_->failed();
}
void Simulation::after(std::chrono::nanoseconds delay, std::function<void()> task) {
  running_->going().after(delay, std::move(task));
}

/// An exception out of it fails the run, where it is to.
std::function<void()> Simulation::Running::guarded(std::function<void()> task) {
  return [this, task = std::move(task)] {
    try {
      task();
    } catch (const std::exception& exception) {
      if (options_.exceptions_fail) fail("a posted task threw: " + std::string{exception.what()});
    } catch (...) {
      if (options_.exceptions_fail) fail("a posted task threw something that is no std::exception");
    }
  };
}

std::error_code Simulation::post(unsigned shard, std::function<void()> task) {
  if (!task) return make_error_code(errc::invalid_argument);
  auto message = std::make_unique<engine::Message>(engine::Message::Kind::task);
  message->task = running_->guarded(std::move(task));
  return running_->put(shard, std::move(message));
}

std::error_code Simulation::post_after(unsigned shard, std::chrono::nanoseconds delay, std::function<void()> task) {
  if (!task) return make_error_code(errc::invalid_argument);
  constexpr std::chrono::nanoseconds longest = std::chrono::hours{24 * 365};
  auto message = std::make_unique<engine::Message>(engine::Message::Kind::postponed);
  const TimePoint due = running_->server().now() + std::clamp(delay, std::chrono::nanoseconds{0}, longest);
  message->later = std::make_unique<engine::PostponedTask>(due, running_->guarded(std::move(task)));
  return running_->put(shard, std::move(message));
}

std::error_code Simulation::send(ConnectionId id, std::vector<std::byte> bytes) {
  auto message = std::make_unique<engine::Message>(engine::Message::Kind::send);
  message->id = id;
  message->bytes = std::move(bytes);
  return running_->put(id.shard(), std::move(message));
}

std::error_code Simulation::disconnect(ConnectionId id) {
  auto message = std::make_unique<engine::Message>(engine::Message::Kind::close);
  message->id = id;
  return running_->put(id.shard(), std::move(message));
}

std::error_code Simulation::abort(ConnectionId id) {
  auto message = std::make_unique<engine::Message>(engine::Message::Kind::abort);
  message->id = id;
  return running_->put(id.shard(), std::move(message));
}

std::chrono::nanoseconds Simulation::now() const {
  return running_->server().now() - TimePoint{std::chrono::hours{1}};
}
std::uint64_t Simulation::random(std::uint64_t bound) {
  return running_->random(bound);
}
Counters Simulation::counters() const {
  return running_->server().counters();
}
const SimulationOptions& Simulation::options() const noexcept {
  return running_->options();
}
unsigned Simulation::shards() const noexcept {
  return running_->options().server.shards;
}

}  // namespace iocpp

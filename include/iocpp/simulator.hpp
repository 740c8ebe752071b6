// A test of your own handler over a simulated system and network: a seed, faults, scripted clients, virtual time.
// Link iocpp::simulator. docs/SIMULATING.md has the rules that your handler must keep for a seed to repeat its run.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <iocpp/connection.hpp>
#include <iocpp/counters.hpp>
#include <iocpp/handler.hpp>
#include <iocpp/options.hpp>

namespace iocpp {

/// How often the simulated system and network fail.
enum class FaultRate : std::uint8_t { none, light, heavy };

/// `none`, `light`, `heavy`.
std::string_view to_string(FaultRate rate) noexcept;

/// What is simulated. The same options and the same test are the same run.
struct SimulationOptions {
  /// What all chance of the run comes from.
  std::uint64_t seed = 1;
  /// How often the system and the network fail.
  FaultRate faults = FaultRate::none;

  /// The server's. `backend` is the system that is simulated, wherever this runs; left `automatic`, the seed draws it.
  /// So it does `shards`, where that is 0 and there is a `HandlerFactory`. Not used: addresses, ports and `backlog`,
  /// `proxy_protocol`, `keepalive`, `tcp_nodelay`, the sockets' buffers, `receive_ring_bytes` and its maximum,
  /// `posted_receive_bytes`, `on_thread_start`, `hand_over_path`; the seed decides what they would. A
  /// `connections_max` of 0 is 100,000 here, on every machine.
  Options server{};

  /// Clients besides yours, who send bytes of no meaning, read slowly or never, reset, or vanish.
  std::uint32_t random_peers = 0;

  /// An exception that leaves your handler fails the run. False: it ends its connection, as in a server.
  bool exceptions_fail = true;

  /// How long a peer waits for what it expects: virtual time.
  std::chrono::seconds patience{300};

  /// A run that has not come to its end after so many events fails: two that answer each other for ever, perhaps.
  std::uint64_t events_max = 20'000'000;

  /// The test's, in what is said of its runs. IOCPP_SIMULATE with a name is for the `for_each_seed` of that name alone.
  /// There, all but letters, digits and any of `_-.:/` is an underscore.
  std::string name{};

  /// For a run that was made smaller. Of the faults that chance would have, counted from 0, only those from a first to
  /// a last number happen; empty: all of them.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> only_faults{};
  /// Scripted peers, by number, that never connect, and whose scripts count as done. For the same.
  std::vector<std::uint32_t> absent_peers{};
};

/// How a scripted peer's connection ended.
enum class PeerEnd : std::uint8_t {
  none,      ///< It is connected, or has not connected yet.
  in_order,  ///< The server ended its stream.
  reset,     ///< The server reset it.
  refused,   ///< It never reached a handler.
  left,      ///< It closed, reset or vanished, as its script has it.
  fault      ///< An injected fault broke the connection, or kept it from being served: nobody is to blame, and the
             ///< rest of its script is dropped.
};

/// `none`, `in_order`, ...
std::string_view to_string(PeerEnd end) noexcept;

class Simulation;

namespace simulator {
struct Step;
class SeedRun;
}  // namespace simulator

/// A scripted client. Each call adds a step to its script and returns at once; the steps are done one after the other
/// while the simulation runs. A step that can't be done as it says, or not within `SimulationOptions::patience`, fails
/// the run, unless a fault has broken this connection. It reads whatever arrives, as it arrives, unless told otherwise.
/// Lives as long as its simulation.
class SimulatedPeer {
 public:
  /// Goes on when all of it has been written. The network may deliver it in parts.
  SimulatedPeer& send(std::string_view bytes);
  /// The next bytes of the server are these. What comes after them is left to later steps.
  SimulatedPeer& expect(std::string_view bytes);
  /// Goes on when `count` bytes more have come, whatever they are.
  SimulatedPeer& expect_bytes(std::size_t count);
  /// Goes on when the server's next line has come, up to a "\n", whatever is in it; where there is `fits`, it must hold
  /// for the line, without the "\n".
  SimulatedPeer& expect_line(std::function<bool(std::string_view)> fits = {});
  /// The server ends its stream, and there are no bytes before that.
  SimulatedPeer& expect_end();
  /// The server resets the connection.
  SimulatedPeer& expect_reset();
  /// Ends its own stream; it still reads.
  SimulatedPeer& half_close();
  /// Closes. Unread bytes make it a reset, as they do in a system.
  SimulatedPeer& close();
  /// Resets the connection.
  SimulatedPeer& reset();
  /// Its machine is gone, without a word.
  SimulatedPeer& vanish();
  /// From now on reads at most `bytes` at a time, and waits so long after each; 0 bytes: reads nothing.
  SimulatedPeer& read_slowly(std::size_t bytes, std::chrono::nanoseconds pause = std::chrono::milliseconds{10});
  /// Ends `read_slowly`.
  SimulatedPeer& read_freely();
  /// Goes on after so much virtual time.
  SimulatedPeer& wait(std::chrono::nanoseconds time);
  /// Waits until `Simulation::run` drains the server; what follows happens during the drain. A peer whose script ends
  /// without this closes before it.
  SimulatedPeer& stay();

  /// From 0, in the order of `Simulation::connect`.
  std::uint32_t number() const noexcept { return number_; }
  /// Everything that it has received until now. Valid until the simulation goes on.
  std::string_view received() const;
  /// How its connection has ended, if it has.
  PeerEnd end() const;
  /// All steps are done, or dropped after a fault.
  bool done() const;

 private:
  friend class Simulation;
  SimulatedPeer(Simulation& simulation, std::uint32_t number) : simulation_{&simulation}, number_{number} {}
  SimulatedPeer& append(simulator::Step&& step);

  Simulation* simulation_;
  std::uint32_t number_;
};

/// What a run came to.
struct SimulationResult {
  SimulationOptions options{};  ///< As they were given, with the system and the number of shards that were drawn.
  std::string violation{};      ///< In words; empty: nothing is wrong.
  /// Of a peer whose expectation failed: the last of what it had received before, at most 60 bytes, as a reader can see
  /// them.
  std::string received_before{};
  std::vector<std::string> last_steps{};  ///< Before a violation, a line each, oldest first.
  /// Of every step, but not of the bytes in it. The same options and the same test have the same one.
  std::uint64_t hash = 0;
  std::uint64_t scripted_peers = 0;         ///< That the test has made.
  std::uint64_t scripts_begun = 0;          ///< By peers that were not absent.
  std::uint64_t scripts_dropped = 0;        ///< ... and whose rest was dropped, after a fault (`PeerEnd::fault`).
  std::uint64_t connections = 0;            ///< Of scripted and of random peers.
  std::uint64_t faults = 0;                 ///< That were injected.
  std::uint64_t faults_drawn = 0;           ///< That chance would have had, with those that the options bar.
  std::uint64_t events = 0;                 ///< Of the simulated system, network and threads.
  std::chrono::nanoseconds virtual_time{};  ///< That has passed.
  Counters counters{};                      ///< The server's, at the end.
  std::string replay{};                     ///< What names this run to `for_each_seed`; empty: there was none.

  /// Nothing is wrong.
  bool passed() const noexcept { return violation.empty(); }
  /// The violation, where and when, the last steps, and how to have it again; or a line that says that all is well.
  std::string text() const;
};

/// A server with your handler over a simulated system, in virtual time, on the calling thread. Make it, `serve`,
/// `connect` peers and write their scripts, `run`. One at a time on a thread.
///
///     iocpp::Simulation simulation{{.seed = 7, .faults = iocpp::FaultRate::light}};
///     simulation.serve(handler);
///     simulation.connect().send("hello\n").expect("hello\n").half_close().expect_end();
///     const iocpp::SimulationResult result = simulation.run();
class Simulation {
 public:
  /// Of a run with these options; `serve` checks them.
  explicit Simulation(SimulationOptions options = {});
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  /// Who serves, before anything else. By reference: for all shards; one, unless the options say otherwise. It must
  /// outlive the simulation. Throws `std::system_error` as `Server` does for an option that is wrong, and
  /// `std::logic_error` when called again.
  void serve(Handler& handler);
  /// One handler a shard, as with `Server`.
  void serve(HandlerFactory factory);

  /// A scripted peer, which connects when the simulation goes on, after `delay`. Throws `std::logic_error`
  /// before `serve` and after `run`, as `run_for` and `after` do.
  SimulatedPeer& connect(std::chrono::nanoseconds delay = {});

  /// Lets so much virtual time pass: an hour in which nothing happens takes no time. Ends early with a violation.
  void run_for(std::chrono::nanoseconds time);

  /// All scripts, to their ends; then no more faults, and peers leave; then a drain, after which nothing may be left;
  /// then your checks. To be called once: the simulation has ended with it. Where faults broke every scripted peer's
  /// connection, so that all scripts were dropped, that is a failure; in `for_each_seed`, if it is so for all seeds.
  const SimulationResult& run();

  /// A check at the end of `run`: false, or an exception, fails it.
  void check(std::string what, std::function<bool()> holds);
  /// Fails the run, from anywhere: a callback, a task, a check. The first failure counts.
  void fail(std::string_view why);
  /// Something has failed already; what follows happens no more.
  bool failed() const noexcept;

  /// Runs `task` when so much virtual time has passed, as a thread that is none of the server's would.
  void after(std::chrono::nanoseconds delay, std::function<void()> task);
  /// As `Server` has them: from anywhere, with the same results.
  [[nodiscard]] std::error_code post(unsigned shard, std::function<void()> task);
  /// As `Server::post_after`, in virtual time.
  [[nodiscard]] std::error_code post_after(unsigned shard, std::chrono::nanoseconds delay, std::function<void()> task);
  /// As `Server::send`.
  [[nodiscard]] std::error_code send(ConnectionId id, std::vector<std::byte> bytes);
  /// As `Server::disconnect`.
  [[nodiscard]] std::error_code disconnect(ConnectionId id);
  /// As `Server::abort`.
  [[nodiscard]] std::error_code abort(ConnectionId id);

  /// Virtual time since the beginning: the clock for a handler that needs one.
  std::chrono::nanoseconds now() const;
  /// A number below `bound`, drawn from the seed: for scripts that differ from seed to seed. Throws
  /// `std::invalid_argument` where `bound` is 0.
  std::uint64_t random(std::uint64_t bound);
  /// The server's counters until now.
  Counters counters() const;
  /// As they were given, with the system and the number of shards that were drawn.
  const SimulationOptions& options() const noexcept;
  /// The server's.
  unsigned shards() const noexcept;

 private:
  friend class SimulatedPeer;
  friend class simulator::SeedRun;
  class Running;
  std::unique_ptr<Running> running_;
};

/// What many seeds came to.
struct SeedsResult {
  std::uint64_t runs = 0;                     ///< The shrinking's not counted.
  std::uint64_t connections = 0;              ///< Of all runs together, as the rest is.
  std::uint64_t faults = 0;                   ///< That were injected.
  std::uint64_t scripts_begun = 0;            ///< By peers that were not absent.
  std::uint64_t scripts_dropped = 0;          ///< After a fault.
  std::optional<SimulationResult> failure{};  ///< The first run that failed ...
  std::optional<SimulationResult> shrunk{};   ///< ... and a smaller one that fails in the same way, where there is one.
  bool repeats = true;    ///< False: the failing run, done again, was another one. The test breaks a rule for handlers.
  bool left_out = false;  ///< No run was done: IOCPP_SIMULATE names another test.

  /// No run failed.
  bool passed() const noexcept { return !failure; }
  /// What failed, where and when, and how to have it again; or a line that says that all is well.
  std::string text() const;
};

/// Runs `test` with a new simulation for each seed from `first` to `last`, until one fails: `test` calls `serve`,
/// `connect` and the rest; `run` is called after it, if it has not done so. An exception that leaves `test` is a
/// failure. A failing run is repeated, then made smaller (fewer peers, fewer faults), and told of on stderr. Where the
/// environment has IOCPP_SIMULATE, as `SimulationResult::replay` says, only that run is done, by every call of the
/// program; with a name in it (`SimulationOptions::name`) by that test's. What it does not understand of it is a
/// failure. It also fails where all scripts of all seeds were dropped after faults, since nothing was tested then; for
/// the same reason it throws `std::invalid_argument` where `first` is above `last`.
SeedsResult for_each_seed(std::uint64_t first, std::uint64_t last, const std::function<void(Simulation&)>& test,
                          const SimulationOptions& options = {});

}  // namespace iocpp

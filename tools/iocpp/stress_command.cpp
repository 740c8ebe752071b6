#include "stress_command.hpp"

#include <algorithm>
#include <iostream>
#include <memory>
#include <string_view>
#include <thread>

#include "arguments.hpp"
#include "program/host_port.hpp"
#include "program/system.hpp"
#include "report_option.hpp"
#include "stress/report_page.hpp"

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds longest = 24h;
constexpr std::uint64_t handles_besides = 32;  // standard streams, pollers, and what the process inherited

struct Common {
  bool json = false;
  std::string report;   ///< The path of a page, if it is wanted.
  std::string command;  ///< As it was typed.
};

struct Storm : Common {
  stress::StormOptions options;
  bool strict = false;
};

struct Echo : Common {
  stress::EchoOptions options;
};

struct Push : Common {
  stress::PushOptions options;
};

struct Slow : Common {
  stress::SlowOptions options;
};

struct Idle : Common {
  stress::IdleOptions options;
};

/// Half of the machine: the server is often on the same one.
unsigned default_threads() {
  return std::max(1U, std::thread::hardware_concurrency() / 2);
}

void add_target(CLI::App& app, stress::SocketAddress& target) {
  const auto read = [&target](const std::string& text) {
    const auto host_port = program::parse_host_port(text);
    const auto address = host_port && host_port->port != 0 ? stress::resolve(*host_port) : std::nullopt;
    if (!address) {
      program::object(
          "TARGET", text,
          program::objection(text, 1, "HOST:PORT, such as 127.0.0.1:50000, [::1]:50000 or localhost:50000"));
    }
    target = *address;
  };
  app.add_option_function<std::string>(
         "TARGET", read,
         "HOST:PORT of the server; the host is an IPv4 address, an IPv6 address in brackets, "
         "or localhost (127.0.0.1)")
      ->required()
      ->type_name("");
}

template <class Options>
void add_common(CLI::App& app, Options& options, Common& common) {
  options.threads = default_threads();
  add_target(app, options.target);
  program::add_count(app, "--threads", options.threads, 1, 256, "Threads of the client");
  program::add_count(
      app, "--sources", options.sources, 1, 250,
      "Source addresses, 127.0.0.1 and up, to an IPv4 loopback target; each has some 28,000 ports. 1, and any "
      "other target: the system chooses");
  program::add_duration(app, "--timeout", options.timeout, 10ms, longest,
                        "A connection without any progress for this long counts as timed out");
  app.add_flag("--json", common.json, "Print the result as one JSON object on stdout, and nothing else there");
  add_report(app, common.report);
}

void require_handles(std::uint64_t connections) {
  const std::uint64_t limit = program::raise_handle_limit();
  if (connections + handles_besides <= limit) return;
  throw WrongArgument("this needs " + program::with_commas(connections + handles_besides) +
                      " open handles, and the limit is " + program::with_commas(limit) +
                      ": ask for fewer connections, or raise the hard limit (ulimit -Hn)");
}

template <class Result>
std::string verdict_of(const Result& /*result*/, bool good) {
  return good ? "passed" : "FAILED";
}

std::string verdict_of(const stress::StormResult& result, bool /*good*/) {
  return result.verdict_text();
}

/// Runs, prints, and returns the exit code.
template <class Run, class Passed>
int run_and_print(const Common& common, const std::string& title, Run run, Passed passed) {
  program::ReportFile file = report_file(common.report);
  stress::ProgressDisplay display{std::cerr, program::stderr_is_terminal()};
  if (!common.json) std::cout << title << std::endl;
  const auto result = run(&display);
  const bool good = passed(result);
  if (common.json) {
    stress::Json json = stress::to_json(result);
    json["passed"] = good;
    std::cout << json.dump() << std::endl;
  } else {
    stress::print(std::cout, stress::figures_of(result));
    if constexpr (requires { result.verdict_text(); }) std::cout << result.verdict_text() << '\n';
  }
  if (file)
    file.write(stress::page_of(result, title, program::circumstances(common.command), verdict_of(result, good), good));
  return good ? 0 : 1;
}

int run(Storm& storm) {
  stress::StormOptions& options = storm.options;
  options.threads = std::min(options.threads, options.concurrency);
  require_handles(options.concurrency + options.threads);
  return run_and_print(
      storm, "storm: " + program::plural(options.connections, "connection"),
      [&](auto* display) { return stress::run_storm(options, display); },
      [&](const stress::StormResult& result) { return result.passed(storm.strict); });
}

/// The loads whose connections are all there at once, each thread's with a poller of its own.
template <class Load, class Options, class Result>
int run_connections(Load& load, const std::string& name, Result (*run_load)(const Options&, stress::ProgressDisplay*),
                    const std::string& more = "") {
  Options& options = load.options;
  options.threads = static_cast<unsigned>(std::min<std::uint64_t>(options.threads, options.connections));
  require_handles(options.connections + 2 * options.threads);
  return run_and_print(
      load, name + ": " + program::plural(options.connections, "connection") + more,
      [&](auto* display) { return run_load(options, display); }, [](const Result& result) { return result.passed(); });
}

int run(Echo& echo) {
  return run_connections(echo, "echo", stress::run_echo,
                         ", messages of " + program::plural(echo.options.bytes, "byte"));
}

int run(Push& push) {
  return run_connections(push, "push", stress::run_push);
}

int run(Slow& slow) {
  return run_connections(slow, "slow", stress::run_slow);
}

int run(Idle& idle) {
  return run_connections(idle, "idle", stress::run_idle);
}

void add_storm(CLI::App& stress_app, Command& chosen, const std::string& command_line) {
  CLI::App& app = *stress_app.add_subcommand("storm",
                                             "Connections that come and go at once, against an echo server: a share is "
                                             "reset as soon as it is established, the rest "
                                             "send 16 to 64 bytes, check the echo byte by byte, end their stream and "
                                             "wait for the server's end. Then a probe: new "
                                             "connections that must be served. Exit code 0: still accepting, and no "
                                             "wrong byte; 1: DEAF, not serving, or wrong bytes");
  auto storm = std::make_shared<Storm>();
  storm->command = command_line;
  stress::StormOptions& options = storm->options;
  add_common(app, options, *storm);
  program::add_count(app, "--connections", options.connections, 1, 1'000'000'000, "Connections in all");
  program::add_share(
      app, "--rst-share", options.reset_share,
      "Share of them that is reset at once. Close to 1 the client outruns any server: handshakes that the "
      "server's system then drops at a full backlog still count as established here");
  program::add_count(app, "--concurrency", options.concurrency, 1, 100'000, "Connections at a time, over all threads");
  program::add_duration(app, "--give-up", options.give_up, 10ms, longest,
                        "Go to the probe when the server has answered nobody for this long");
  program::add_count(app, "--probes", options.probes, 1, 1'000, "Connections of the probe, one after another");
  program::add_duration(app, "--probe-timeout", options.probe_timeout, 10ms, longest,
                        "For each of them, from connect to end");
  app.add_flag("--strict", storm->strict, "Any error at all is a failure (exit code 1)");
  app.callback([storm, &chosen] { chosen = [storm] { return run(*storm); }; });
}

void add_echo_load(CLI::App& app, stress::EchoOptions& options) {
  program::add_count(app, "--connections", options.connections, 1, 1'000'000,
                     "Connections, opened before the first message");
  program::add_size(app, "--bytes", options.bytes, 1, 1U << 30, "Size of a message");
  program::add_count(app, "--depth", options.depth, 1, 1'000'000, "Messages in flight on each connection, at most");
  program::add_count(
      app, "--rate", options.rate, 0, 100'000'000,
      "Messages a second over all connections. Latency then counts from the moment when a message was due, "
      "so that a stall is seen by all messages that it delayed (no coordinated omission). 0: no rate, each "
      "answer is followed by the next message at once");
  program::add_duration(app, "--duration", options.duration, 1ms, longest, "How long messages are sent");
  program::add_count(
      app, "--messages", options.messages, 0, 1'000'000'000'000,
      "End after exactly this many messages over all connections, however long it takes. 0: end by time");
}

void add_echo_checks(CLI::App& app, stress::EchoOptions& options) {
  app.add_flag("--verify", options.verify, "Check every byte that comes back; it depends on connection and offset");
  app.add_flag("--split", options.split, "Cut the stream into writes of random length, 1 byte to 64 KiB");
  program::add_count(app, "--seed", options.seed, 0, 1'000'000'000'000, "Seed of the lengths of --split");
  program::add_share(app, "--slow-reader", options.slow_reader_share,
                     "Share of the connections that read in small pieces, with pauses");
  program::add_size(app, "--slow-read-bytes", options.slow_read_bytes, 1, 256U << 10, "Size of such a piece, at most");
  program::add_duration(app, "--slow-read-pause", options.slow_read_pause, 1us, longest, "Pause after each of them");
}

void add_echo(CLI::App& stress_app, Command& chosen, const std::string& command_line) {
  CLI::App& app =
      *stress_app.add_subcommand("echo",
                                 "Connections that stay, against an echo server: messages to and fro, messages and "
                                 "bytes a second, latency up to p99.99 "
                                 "(at most 0.8 % too high, never too low). Exit code 1: any error or wrong byte");
  auto echo = std::make_shared<Echo>();
  echo->command = command_line;
  add_common(app, echo->options, *echo);
  add_echo_load(app, echo->options);
  add_echo_checks(app, echo->options);
  app.callback([echo, &chosen] { chosen = [echo] { return run(*echo); }; });
}

void add_push(CLI::App& stress_app, Command& chosen, const std::string& command_line) {
  CLI::App& app = *stress_app.add_subcommand(
      "push",
      "One-way throughput to a discard server; ends when the server has received everything. Exit code 1: any error");
  auto push = std::make_shared<Push>();
  push->command = command_line;
  add_common(app, push->options, *push);
  program::add_count(app, "--connections", push->options.connections, 1, 1'000'000, "Connections");
  program::add_size(app, "--bytes", push->options.bytes, 1, 64U << 20, "Size of one write");
  program::add_duration(app, "--duration", push->options.duration, 1ms, longest, "How long bytes are sent");
  program::add_count(app, "--rate", push->options.rate, 0, 1'000'000'000'000,
                     "Bytes a second over all connections (12500k is 100 Mbit/s). 0: as fast as they go");
  app.callback([push, &chosen] { chosen = [push] { return run(*push); }; });
}

/// `1B/s`, or without the unit.
void add_rate(CLI::App& app, std::uint64_t& rate) {
  const auto read = [&rate](const std::string& text) {
    constexpr std::string_view unit = "B/s";
    const auto bytes = program::parse_size(text.ends_with(unit) ? text.substr(0, text.size() - unit.size()) : text);
    if (!bytes || *bytes == 0 || *bytes > (1U << 30))
      program::refuse("--rate", text, "bytes a second, such as 1B/s or 4kB/s");
    rate = *bytes;
  };
  app.add_option_function<std::string>("--rate", read, "Bytes a second that each of them sends, or reads")
      ->type_name("RATE")
      ->default_str("1B/s");
}

void add_slow(CLI::App& stress_app, Command& chosen, const std::string& command_line) {
  CLI::App& app = *stress_app.add_subcommand("slow",
                                             "Connections that hold a server up, against an echo server: some send a "
                                             "byte now and then, the others ask for much and read a "
                                             "byte now and then. Says how many of them the server has ended, and when; "
                                             "ends when it has ended all. Exit code 1: some could "
                                             "not connect");
  auto slow = std::make_shared<Slow>();
  slow->command = command_line;
  stress::SlowOptions& options = slow->options;
  add_common(app, options, *slow);
  program::add_count(app, "--connections", options.connections, 1, 1'000'000, "Connections");
  program::add_share(app, "--reader-share", options.reader_share,
                     "Share of them that reads slowly; the rest sends slowly");
  add_rate(app, options.rate);
  program::add_size(app, "--request-bytes", options.request_bytes, 1, 1U << 30,
                    "What a slow reader sends, to have it echoed");
  program::add_duration(app, "--duration", options.duration, 1ms, longest, "How long they stay, if they may");
  app.callback([slow, &chosen] { chosen = [slow] { return run(*slow); }; });
}

void add_idle(CLI::App& stress_app, Command& chosen, const std::string& command_line) {
  CLI::App& app = *stress_app.add_subcommand(
      "idle",
      "Connections that are held without a byte, to a server of any kind. Says how many of them the server has ended, "
      "and when; ends when it has ended all. Where the server is on this machine, and on Linux: what each costs it in "
      "user memory, that is, what its resident memory has grown by when all have been quiet for a second (or a tenth "
      "of the hold), and the share of a core that it takes meanwhile. What it makes once for the first of them weighs "
      "in where they are few, and one that has had as many before may have kept their memory: ask a fresh one, with "
      "thousands. At a full backlog the server's system may drop a handshake that is over here (SYN cookies): nobody "
      "has such a connection, and it counts as still connected. Exit code 1: some could not connect");
  auto idle = std::make_shared<Idle>();
  idle->command = command_line;
  stress::IdleOptions& options = idle->options;
  add_common(app, options, *idle);
  program::add_count(app, "--connections", options.connections, 1, 1'000'000, "Connections");
  program::add_duration(app, "--hold", options.hold, 1ms, longest, "How long they stay, once all are connected");
  app.callback([idle, &chosen] { chosen = [idle] { return run(*idle); }; });
}

}  // namespace

void add_stress_command(CLI::App& app, Command& chosen, const std::string& command_line) {
  CLI::App& stress_app = *app.add_subcommand("stress", "Load a server, and check what it answers");
  stress_app.require_subcommand(1);
  add_storm(stress_app, chosen, command_line);
  add_echo(stress_app, chosen, command_line);
  add_push(stress_app, chosen, command_line);
  add_idle(stress_app, chosen, command_line);
  add_slow(stress_app, chosen, command_line);
}

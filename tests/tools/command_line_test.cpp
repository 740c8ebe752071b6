#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "program/host_port.hpp"
#include "program_run.hpp"
#include "small_server.hpp"
#include "stress/socket.hpp"

namespace {

using nlohmann::json;
using Arguments = std::vector<std::string>;

Arguments words(const std::string& text) {
  Arguments found;
  std::istringstream in{text};
  for (std::string word; in >> word;) found.push_back(word);
  return found;
}

/// `HOST:PORT` out of `listening on HOST:PORT (...)`.
std::string address_in(const std::string& line) {
  std::istringstream in{line};
  std::string listening;
  std::string on;
  std::string address;
  in >> listening >> on >> address;
  return address;
}

class WrongArguments : public testing::TestWithParam<const char*> {};

TEST_P(WrongArguments, exit_2_with_one_line) {
  ProgramRun run{words(GetParam())};
  EXPECT_EQ(run.wait(), 2);
  EXPECT_EQ(run.output, "");
  EXPECT_TRUE(run.errors.starts_with("iocpp: ")) << run.errors;
  EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
}

INSTANTIATE_TEST_SUITE_P(
    CommandLine, WrongArguments,
    testing::Values("", "frob", "stress", "stress frob", "stress storm", "stress storm nowhere",
                    "stress storm 127.0.0.1:0", "stress storm 127.0.0.1:1 --connections x",
                    "stress storm 127.0.0.1:1 --connections 0", "stress storm 127.0.0.1:1 --rst-share 1.1",
                    "stress storm 127.0.0.1:1 --rst-share nan", "stress storm 127.0.0.1:1 --frob",
                    "stress echo 127.0.0.1:1 --duration 10", "stress echo 127.0.0.1:1 --bytes 1.5",
                    "stress echo 127.0.0.1:1 --connections 1000000", "serve", "serve frob", "serve echo --listen 1",
                    "serve echo --listen 127.0.0.1:65536", "serve echo --listen example.org:1",
                    "serve echo --listen 192.0.2.1:0", "serve echo --backend frob", "serve echo --threads 256",
                    "serve echo --backlog 0", "serve echo --listen 127.0.0.1:0 --send-queue-bytes-low 2M"));

class Help : public testing::TestWithParam<const char*> {};

TEST_P(Help, is_on_stdout_and_succeeds) {
  Arguments arguments = words(GetParam());
  arguments.push_back("--help");
  ProgramRun run{arguments};
  EXPECT_EQ(run.wait(), 0);
  EXPECT_EQ(run.errors, "");
  EXPECT_NE(run.output.find("Usage: iocpp"), std::string::npos);
  EXPECT_NE(run.output.find("Exit codes: 0 success"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(CommandLine, Help,
                         testing::Values("", "stress", "stress storm", "stress echo", "stress push", "serve",
                                         "serve echo", "serve discard", "serve chargen"));

TEST(CommandLine, storm_at_a_refused_port_says_deaf_and_exits_1) {
  const RefusingPort port;
  ProgramRun run{{"stress", "storm", port.name(), "--connections", "100"}};
  EXPECT_EQ(run.wait(), 1);
  EXPECT_TRUE(run.output.ends_with("DEAF after 0 connections\n")) << run.output;
}

TEST(CommandLine, json_is_one_object_and_nothing_else) {
  SmallServer server;
  ProgramRun run{{"stress", "storm", server.name(), "--connections", "5", "--json"}};
  EXPECT_EQ(run.wait(), 0);
  EXPECT_EQ(std::count(run.output.begin(), run.output.end(), '\n'), 1);
  const json result = json::parse(run.output);
  EXPECT_EQ(result["verdict"], "still accepting");
  EXPECT_EQ(result["established"], 5);
  EXPECT_EQ(result["passed"], true);
}

TEST(CommandLine, echo_reports_its_percentiles) {
  SmallServer server;
  ProgramRun run{{"stress", "echo", server.name(), "--connections", "2", "--messages", "100", "--verify", "--json"}};
  EXPECT_EQ(run.wait(), 0);
  const json result = json::parse(run.output);
  EXPECT_EQ(result["messages"], 100);
  for (const char* percentile : {"p50", "p90", "p99", "p99_9", "p99_99", "max"}) {
    EXPECT_GT(result["latency_us"][percentile].get<double>(), 0) << percentile;
  }
}

TEST(CommandLine, echo_with_a_wrong_byte_exits_1) {
  Behaviour behaviour;
  behaviour.flip_at = 200;
  SmallServer server{behaviour};
  ProgramRun run{{"stress", "echo", server.name(), "--connections", "1", "--messages", "100", "--verify"}};
  EXPECT_EQ(run.wait(), 1);
  EXPECT_NE(run.output.find("wrong bytes"), std::string::npos) << run.output;
}

TEST(CommandLine, both_sides_count_the_same_connections) {
  ProgramRun server{{"serve", "echo", "--listen", "127.0.0.1:0", "--threads", "2", "--json"}};
  const std::string line = server.read_error_line();
  EXPECT_TRUE(line.ends_with(", 2 shards)")) << line;
  ProgramRun storm{{"stress", "storm", address_in(line), "--connections", "2000", "--strict", "--json"}};
  EXPECT_EQ(storm.wait(), 0) << storm.output << storm.errors;
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);

  const json client = json::parse(storm.output);
  const json served = json::parse(server.output);
  const json& counters = served["counters"];
  EXPECT_EQ(counters["accepted"].get<int>() + counters["shed"].get<int>() + counters["refused"].get<int>(),
            client["established_with_probe"].get<int>());
  EXPECT_EQ(client["established"], 2000);
  EXPECT_EQ(counters["connections_open"], 0);
  EXPECT_EQ(counters["bytes_received"], counters["bytes_sent"]);
  EXPECT_EQ(served["service"], "echo");
  EXPECT_EQ(served["drain"]["cut"], 0);
}

TEST(CommandLine, one_line_on_stdout_when_it_listens) {
  ProgramRun server{{"serve", "discard", "--listen", "127.0.0.1:0", "--listen", "localhost:0", "--threads", "1"}};
  const std::string line = server.read_output_line();
  EXPECT_TRUE(line.starts_with("listening on 127.0.0.1:")) << line;
  EXPECT_NE(line.find(", 127.0.0.1:"), std::string::npos) << line;
  EXPECT_TRUE(line.ends_with(", 1 shard)")) << line;
  // At once: the signals must be taken before the line is printed.
  server.signal(SIGINT);
  EXPECT_EQ(server.wait(), 0);
  EXPECT_TRUE(server.output.starts_with("served\n")) << server.output;
}

TEST(CommandLine, discard_server_takes_what_is_pushed) {
  ProgramRun server{{"serve", "discard", "--listen", "127.0.0.1:0", "--json"}};
  const std::string address = address_in(server.read_error_line());
  ProgramRun push{{"stress", "push", address, "--duration", "50ms", "--json"}};
  EXPECT_EQ(push.wait(), 0) << push.output << push.errors;
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  EXPECT_EQ(json::parse(server.output)["counters"]["bytes_received"], json::parse(push.output)["bytes"]);
}

TEST(CommandLine, serve_names_its_backend_and_says_why_it_took_it) {
  ProgramRun forced{{"serve", "echo", "--listen", "127.0.0.1:0", "--threads", "1", "--backend", "epoll"}};
  EXPECT_TRUE(forced.read_output_line().ends_with(" (epoll, 1 shard)"));
  forced.signal(SIGTERM);
  EXPECT_EQ(forced.wait(), 0);
  EXPECT_EQ(forced.errors, "");
  ProgramRun chosen{{"serve", "echo", "--listen", "127.0.0.1:0", "--threads", "1"}};
  const std::string reason = chosen.read_error_line();
  const std::string backend = reason.substr(reason.rfind(' ') + 1);
  EXPECT_TRUE(chosen.read_output_line().ends_with(" (" + backend + ", 1 shard)")) << reason;
  chosen.signal(SIGTERM);
  EXPECT_EQ(chosen.wait(), 0);
}

TEST(CommandLine, second_server_on_a_port_exits_2_and_says_why) {
  ProgramRun first{{"serve", "echo", "--listen", "127.0.0.1:0", "--threads", "2"}};
  const std::string address = address_in(first.read_output_line());
  ProgramRun second{{"serve", "echo", "--listen", address, "--threads", "2"}};
  EXPECT_EQ(second.wait(), 2);
  EXPECT_EQ(second.output, "");
  EXPECT_NE(second.errors.find(address), std::string::npos) << second.errors;
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait(), 0);
}

/// The recommended pattern of RFC 864, once around.
std::string chargen_pattern() {
  std::string pattern;
  for (int line = 0; line < 95; ++line) {
    for (int column = 0; column < 72; ++column) pattern += static_cast<char>(' ' + (line + column) % 95);
    pattern += "\r\n";
  }
  return pattern;
}

TEST(CommandLine, chargen_sends_its_lines_for_as_long_as_they_are_read) {
  ProgramRun server{{"serve", "chargen", "--listen", "127.0.0.1:0", "--threads", "1", "--send-queue-bytes-high", "100k",
                     "--send-queue-bytes-low", "10k"}};
  const auto target = stress::resolve(*program::parse_host_port(address_in(server.read_output_line())));
  stress::Socket client;
  stress::Poller poller;
  ASSERT_EQ(client.open(*target), stress::Outcome::done);
  poller.add(client, 0);
  while (client.connect(*target) == stress::Outcome::again) poller.wait(std::chrono::seconds{10});
  std::string received;
  std::vector<std::byte> space(65536);
  // More than any queue or socket buffer holds, so that the service has to go on several times.
  while (received.size() < 32'000'000) {
    const stress::Transfer transfer = client.receive(space);
    if (transfer.outcome == stress::Outcome::again) {
      ASSERT_FALSE(poller.wait(std::chrono::seconds{10}).empty()) << "it does not go on";
    } else {
      ASSERT_EQ(transfer.outcome, stress::Outcome::done);
      received.append(reinterpret_cast<const char*>(space.data()), transfer.bytes);
    }
  }
  client.reset();
  const std::string pattern = chargen_pattern();
  for (std::size_t place = 0; place < received.size(); place += pattern.size()) {
    const std::string part = received.substr(place, pattern.size());
    ASSERT_TRUE(pattern.starts_with(part)) << "at " << place;
  }
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
}

}  // namespace

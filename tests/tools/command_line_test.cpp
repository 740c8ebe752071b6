#include <gtest/gtest.h>

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
                    "serve echo --backlog 0", "serve echo --proxy-protocol 10.0.0.1/8",
                    "serve echo --proxy-untrusted maybe", "simulate --scenario frob",
                    "stress storm 127.0.0.1:1 --report none/page.html", "simulate --report none/page.html",
                    "serve echo --listen 127.0.0.1:0 --send-queue-bytes-low 2M"));

TEST(CommandLine, names_the_subcommands_where_one_is_missing_or_wrong) {
  for (const char* text : {"", "frob"}) {
    ProgramRun run{words(text)};
    EXPECT_EQ(run.wait(), 2);
    EXPECT_NE(run.errors.find(": serve, stress, simulate (see iocpp --help)"), std::string::npos) << run.errors;
  }
  ProgramRun run{words("stress frob")};
  EXPECT_EQ(run.wait(), 2);
  EXPECT_NE(run.errors.find(": storm, echo, "), std::string::npos) << run.errors;
}

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
                         testing::Values("", "stress", "stress storm", "stress echo", "stress push", "stress idle",
                                         "stress slow", "serve", "serve echo", "serve discard", "serve chargen",
                                         "serve whoami"));

TEST(CommandLine, storm_at_a_refused_port_says_deaf_and_exits_1) {
  const RefusingPort port;
  ProgramRun run{{"stress", "storm", port.name(), "--connections", "100"}};
  EXPECT_EQ(run.wait(), 1);
  EXPECT_TRUE(run.output.ends_with("DEAF after 0 connections: is a server there?\n")) << run.output;
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

TEST(CommandLine, idle_tells_its_connections_and_the_server_or_why_not) {
  SmallServer server;
  ProgramRun run{{"stress", "idle", server.name(), "--connections", "5", "--hold", "20ms", "--json"}};
  EXPECT_EQ(run.wait(), 0);
  const json result = json::parse(run.output);
  EXPECT_EQ(result["established"], 5);
  EXPECT_EQ(result["still_connected"], 5);
  EXPECT_EQ(result["first_end_seconds"], nullptr);
  EXPECT_NE(result["server"].is_null(), result["why"].is_null()) << run.output;
}

TEST(CommandLine, idle_has_null_for_a_server_that_is_not_measured_and_says_why) {
  const RefusingPort port;
  ProgramRun run{{"stress", "idle", port.name(), "--connections", "5", "--json"}};
  EXPECT_EQ(run.wait(), 1);
  const json result = json::parse(run.output);
  EXPECT_EQ(result["errors"]["connect_refused"], 5);
  EXPECT_EQ(result["passed"], false);
  EXPECT_TRUE(result["server"].is_null()) << run.output;
  EXPECT_TRUE(result["why"].is_string()) << run.output;
}

TEST(CommandLine, idle_at_a_refused_port_exits_1_and_says_why_the_server_is_not_measured) {
  const RefusingPort port;
  ProgramRun run{{"stress", "idle", port.name(), "--connections", "5"}};
  EXPECT_EQ(run.wait(), 1);
  EXPECT_TRUE(run.output.starts_with("idle: 5 connections\n")) << run.output;
  EXPECT_NE(run.output.find("not known: "), std::string::npos) << run.output;
  EXPECT_NE(run.output.find("connect refused"), std::string::npos) << run.output;
}

}  // namespace

#include "stress/storm.hpp"

#include <gtest/gtest.h>

#include "small_server.hpp"
#include "support/resets.hpp"

namespace {

using namespace std::chrono_literals;
using stress::Fault;
using stress::StormOptions;
using stress::StormResult;
using stress::Verdict;

StormOptions storm_of(std::uint64_t connections, const stress::SocketAddress& target) {
  StormOptions options;
  options.target = target;
  options.connections = connections;
  options.concurrency = 8;
  options.probes = 3;
  return options;
}

/// For servers that never answer: what these limits end would not have gone on later either.
StormOptions impatient(StormOptions options) {
  options.timeout = 200ms;
  options.give_up = 300ms;
  options.probe_timeout = 300ms;
  return options;
}

void expect_books_balance(const StormResult& result) {
  std::uint64_t faults_before_established =
      result.faults[Fault::connect_refused] + result.faults[Fault::connect_timed_out] +
      result.faults[Fault::connect_failed] + result.faults[Fault::no_local_port] + result.faults[Fault::no_handles];
  EXPECT_EQ(result.attempted, result.established + faults_before_established);
  EXPECT_EQ(result.attempted, result.echoed + result.reset_at_once + result.faults.total());
}

TEST(Storm, sound_server_serves_all_and_counts_agree) {
  SmallServer server;
  const StormResult result = stress::run_storm(storm_of(400, server.address()));
  EXPECT_EQ(result.verdict(), Verdict::still_accepting);
  EXPECT_EQ(result.verdict_text(), "still accepting");
  EXPECT_TRUE(result.passed(true));
  EXPECT_EQ(result.attempted, 400U);
  EXPECT_EQ(result.established, 400U);
  EXPECT_EQ(result.reset_at_once, 200U);
  EXPECT_EQ(result.echoed, 200U);
  EXPECT_EQ(result.probe.served, 3U);
  // The probes came last and were served, so every connection before them was accepted.
  EXPECT_EQ(server.accepted(), result.established + result.probe.established);
  expect_books_balance(result);
}

TEST(Storm, several_threads_share_the_connections) {
  SmallServer server;
  StormOptions options = storm_of(301, server.address());
  options.threads = 3;
  options.reset_share = 0;
  const StormResult result = stress::run_storm(options);
  EXPECT_EQ(result.echoed, 301U);
  EXPECT_TRUE(result.passed(true));
}

TEST(Storm, share_of_one_resets_all_and_owes_no_answer) {
  SmallServer server;
  StormOptions options = storm_of(10, server.address());
  options.reset_share = 1;
  const StormResult result = stress::run_storm(options);
  EXPECT_EQ(result.reset_at_once, 10U);
  EXPECT_FALSE(result.longest_answer_gap.has_value());
  EXPECT_TRUE(result.passed(true));
}

TEST(Storm, server_that_stops_accepting_is_deaf) {
  Behaviour behaviour;
  behaviour.accepts_max = 50;
  SmallServer server{behaviour};
  const StormResult result = stress::run_storm(impatient(storm_of(100'000, server.address())));
  EXPECT_EQ(result.verdict(), Verdict::deaf);
  EXPECT_EQ(result.verdict_text(), "DEAF after " + std::to_string(result.established) + " connections");
  EXPECT_FALSE(result.passed(false));
  EXPECT_TRUE(result.gave_up);
  EXPECT_EQ(server.accepted(), 50U);
  EXPECT_EQ(result.probe.served, 0U);
  EXPECT_EQ(result.probe.attempted, 1U);
  EXPECT_GE(*result.longest_answer_gap, 300ms) << "the time in which it served nobody must show";
  expect_books_balance(result);
}

TEST(Storm, handshakes_that_the_system_completes_are_no_sign_of_life) {
  Behaviour behaviour;
  behaviour.accepts_max = 0;
  behaviour.backlog = 128;
  SmallServer server{behaviour};
  StormOptions options = impatient(storm_of(100'000, server.address()));
  options.reset_share = 0;
  options.timeout = 50ms;
  const StormResult result = stress::run_storm(options);
  EXPECT_TRUE(result.gave_up);
  EXPECT_GT(result.established, 0U);
  EXPECT_LT(result.established, 128U) << "it gave up only when the backlog was full";
  EXPECT_EQ(result.verdict(), Verdict::deaf);
}

TEST(Storm, server_that_stops_accepting_is_deaf_to_resets_too) {
  Behaviour behaviour;
  behaviour.accepts_max = 50;
  SmallServer server{behaviour};
  StormOptions options = impatient(storm_of(100'000, server.address()));
  options.reset_share = 1;
  const StormResult result = stress::run_storm(options);
  EXPECT_EQ(result.verdict(), Verdict::deaf);
  EXPECT_TRUE(result.gave_up);
  expect_books_balance(result);
}

TEST(Storm, passes_with_errors_of_connections_but_not_with_wrong_bytes) {
  StormResult result;
  EXPECT_TRUE(result.passed(true));
  result.faults.add(Fault::closed_without_answer);
  EXPECT_TRUE(result.passed(false));
  EXPECT_FALSE(result.passed(true));
  result.faults.add(Fault::wrong_bytes);
  EXPECT_FALSE(result.passed(false));
}

TEST(Storm, refused_port_is_deaf_after_none) {
  RefusingPort port;
  const StormResult result = stress::run_storm(storm_of(100, port.address()));
  EXPECT_EQ(result.verdict_text(), "DEAF after 0 connections: is a server there?");
  EXPECT_FALSE(result.passed(false));
  EXPECT_EQ(result.faults[Fault::connect_refused], 100U);
  EXPECT_EQ(result.probe.fault, Fault::connect_refused);
  expect_books_balance(result);
}

TEST(Storm, wrong_bytes_fail_though_it_accepts) {
  Behaviour behaviour;
  behaviour.flip_at = 15;
  SmallServer server{behaviour};
  const StormResult result = stress::run_storm(storm_of(40, server.address()));
  EXPECT_EQ(result.faults[Fault::wrong_bytes], 20U);
  EXPECT_EQ(result.echoed, 0U);
  EXPECT_FALSE(result.passed(false));
  EXPECT_TRUE(result.verdict_text().starts_with("not serving: wrong bytes, \"")) << result.verdict_text();
  expect_books_balance(result);
}

// "Wrong bytes" did not say that the server is none for this client.
TEST(Storm, of_a_server_that_is_no_echo_server_says_how_it_answers) {
  Behaviour behaviour;
  behaviour.greeting = "220 \"mail\" \x01\r\n";
  SmallServer server{behaviour};
  const StormResult result = stress::run_storm(storm_of(40, server.address()));
  const std::string verdict = result.verdict_text();
  EXPECT_TRUE(verdict.starts_with(R"(not serving: wrong bytes, "220 \"mail\" \x01\r\n)")) << verdict;
  EXPECT_TRUE(verdict.ends_with("\": is it an echo server?")) << verdict;
  EXPECT_FALSE(result.faults.wrong_answer().empty());
}

TEST(Storm, connection_shed_at_once_was_closed_without_an_answer) {
  Behaviour behaviour;
  behaviour.end_after = 0;
  SmallServer server{behaviour};
  const StormResult result = stress::run_storm(storm_of(40, server.address()));
  EXPECT_EQ(result.established, 40U);
  EXPECT_EQ(result.faults[Fault::closed_without_answer] + result.reset_at_once, 40U);
  EXPECT_GE(result.faults[Fault::closed_without_answer], 20U);
  EXPECT_EQ(result.verdict_text(), "not serving: closed without an answer");
  EXPECT_FALSE(result.passed(false));
  expect_books_balance(result);
}

TEST(Storm, end_in_the_middle_of_an_answer_is_closed_early) {
  Behaviour behaviour;
  behaviour.end_after = 8;
  SmallServer server{behaviour};
  const StormResult result = stress::run_storm(storm_of(40, server.address()));
  EXPECT_EQ(result.faults[Fault::closed_early], 20U);
  EXPECT_EQ(result.probe.fault, Fault::closed_early);
  expect_books_balance(result);
}

TEST(Storm, reset_in_the_middle_of_an_answer_is_reset_early) {
  if (!iocpp::tests::resets_are_told()) GTEST_SKIP() << "this system tells a reset as an end in order (Wine)";
  Behaviour behaviour;
  behaviour.end_after = 8;
  behaviour.end = Behaviour::End::reset;
  SmallServer server{behaviour};
  const StormResult result = stress::run_storm(storm_of(40, server.address()));
  EXPECT_EQ(result.faults[Fault::reset_early], 20U);
  EXPECT_EQ(result.probe.fault, Fault::reset_early);
  expect_books_balance(result);
}

TEST(Storm, reset_in_place_of_the_servers_end_is_seen) {
  if (!iocpp::tests::resets_are_told()) GTEST_SKIP() << "this system tells a reset as an end in order (Wine)";
  Behaviour behaviour;
  behaviour.reset_at_peers_end = true;
  SmallServer server{behaviour};
  const StormResult result = stress::run_storm(storm_of(40, server.address()));
  EXPECT_EQ(result.faults[Fault::reset_after_echo], 20U);
  expect_books_balance(result);
}

TEST(Storm, connection_that_gets_no_answer_times_out) {
  Behaviour behaviour;
  behaviour.answers = false;
  SmallServer server{behaviour};
  StormOptions options = impatient(storm_of(4, server.address()));
  options.give_up = 60s;
  const StormResult result = stress::run_storm(options);
  EXPECT_EQ(result.faults[Fault::timed_out], 2U);
  EXPECT_EQ(result.verdict(), Verdict::deaf);
  EXPECT_FALSE(result.gave_up);
  expect_books_balance(result);
}

}  // namespace

// `iocpp serve` as a process, from its first line to the signal that ends it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "program/host_port.hpp"
#include "program_run.hpp"
#include "stress/socket.hpp"

namespace {

using nlohmann::json;

/// `HOST:PORT` out of `listening on HOST:PORT (...)`.
std::string address_in(const std::string& line) {
  std::istringstream in{line};
  std::string listening;
  std::string on;
  std::string address;
  in >> listening >> on >> address;
  return address;
}

class ServeCommand : public testing::Test {
 protected:
  void SetUp() override {
    if (!ProgramRun::can_be_asked_to_end())
      GTEST_SKIP() << "there is no console, so no Ctrl+C (Console.serve_commands_end_by_ctrl_c runs it in one)";
  }
};

TEST_F(ServeCommand, both_sides_count_the_same_connections) {
  ProgramRun server{{"serve", "echo", "--listen", "127.0.0.1:0", "--threads", "2", "--json"}};
  const std::string line = server.read_error_line();
  EXPECT_TRUE(line.ends_with(", 2 shards)")) << line;
  ProgramRun storm{{"stress", "storm", address_in(line), "--connections", "2000", "--strict", "--json"}};
  EXPECT_EQ(storm.wait(), 0) << storm.output << storm.errors;
  server.terminate();
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

TEST_F(ServeCommand, one_line_on_stdout_when_it_listens) {
  ProgramRun server{{"serve", "discard", "--listen", "127.0.0.1:0", "--listen", "localhost:0", "--threads", "1"}};
  const std::string line = server.read_output_line();
  EXPECT_TRUE(line.starts_with("listening on 127.0.0.1:")) << line;
  EXPECT_NE(line.find(", 127.0.0.1:"), std::string::npos) << line;
  EXPECT_TRUE(line.ends_with(", 1 shard)")) << line;
  // At once: the signals must be taken before the line is printed.
  server.interrupt();
  EXPECT_EQ(server.wait(), 0);
  EXPECT_TRUE(server.output.starts_with("served\n")) << server.output;
}

TEST_F(ServeCommand, discard_server_takes_what_is_pushed) {
  ProgramRun server{{"serve", "discard", "--listen", "127.0.0.1:0", "--json"}};
  const std::string address = address_in(server.read_error_line());
  ProgramRun push{{"stress", "push", address, "--duration", "50ms", "--json"}};
  EXPECT_EQ(push.wait(), 0) << push.output << push.errors;
  server.terminate();
  EXPECT_EQ(server.wait(), 0);
  EXPECT_EQ(json::parse(server.output)["counters"]["bytes_received"], json::parse(push.output)["bytes"]);
}

TEST_F(ServeCommand, names_its_backend_and_says_why_it_took_it) {
  ProgramRun chosen{{"serve", "echo", "--listen", "127.0.0.1:0", "--threads", "1"}};
  const std::string reason = chosen.read_error_line();
  const std::string backend = reason.substr(reason.rfind(' ') + 1);
  EXPECT_TRUE(chosen.read_output_line().ends_with(" (" + backend + ", 1 shard)")) << reason;
  chosen.terminate();
  EXPECT_EQ(chosen.wait(), 0);
  ProgramRun forced{{"serve", "echo", "--listen", "127.0.0.1:0", "--threads", "1", "--backend", backend}};
  EXPECT_TRUE(forced.read_output_line().ends_with(" (" + backend + ", 1 shard)"));
  forced.terminate();
  EXPECT_EQ(forced.wait(), 0);
  EXPECT_EQ(forced.errors, "");
}

TEST_F(ServeCommand, of_a_backend_that_is_not_of_this_system_exits_2_and_says_so) {
  for (const std::string backend : {"io_uring", "epoll", "iocp"}) {
    ProgramRun server{{"serve", "echo", "--listen", "192.0.2.1:0", "--backend", backend}};
    EXPECT_EQ(server.wait(), 2);
    const bool of_this_system = server.errors.find("not an address of this machine") != std::string::npos;
    const bool of_another = server.errors.find(backend + " is not of this system") != std::string::npos;
    EXPECT_TRUE(of_this_system || of_another) << server.errors;
  }
}

TEST_F(ServeCommand, second_server_on_a_port_exits_2_and_says_why) {
  ProgramRun first{{"serve", "echo", "--listen", "127.0.0.1:0", "--threads", "2"}};
  const std::string address = address_in(first.read_output_line());
  ProgramRun second{{"serve", "echo", "--listen", address, "--threads", "2"}};
  EXPECT_EQ(second.wait(), 2);
  EXPECT_EQ(second.output, "");
  EXPECT_NE(second.errors.find(address), std::string::npos) << second.errors;
  first.terminate();
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

TEST_F(ServeCommand, chargen_sends_its_lines_for_as_long_as_they_are_read) {
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
  server.terminate();
  EXPECT_EQ(server.wait(), 0);
}

}  // namespace

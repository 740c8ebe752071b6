#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "program_run.hpp"
#include "small_server.hpp"
#include "stress/server_processes.hpp"

namespace {

using namespace std::chrono_literals;
using iocpp::tests::Descriptor;
using stress::ServerProcesses;
using stress::ServerReading;

using Ids = std::vector<int>;

struct Place {
  const char* host;
  std::uint16_t port = 0;
};

stress::SocketAddress address_of(const Place& place) {
  return stress::resolve({place.host, place.port}).value();
}

/// Several may listen at the same port, at different addresses or at the same one.
Descriptor listener_at(const Place& place) {
  const stress::SocketAddress address = address_of(place);
  sockaddr_storage native{};
  std::memcpy(&native, address.bytes.data(), address.size);
  Descriptor listener{iocpp::tests::open_socket(native.ss_family)};
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&native), address.size) != 0) return Descriptor{};
  if (listen(listener.get(), 1) != 0) return Descriptor{};
  return listener;
}

std::uint16_t port_of(const Descriptor& listener) {
  sockaddr_in6 address{};  // IPv4 has its port at the same place
  socklen_t size = sizeof address;
  getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin6_port);
}

/// A process of its own that has what is open here, but for what it is told to close; it does nothing.
class Child {
 public:
  explicit Child(const std::vector<const Descriptor*>& closed = {}) {
    std::array<int, 2> ready{};
    if (pipe(ready.data()) != 0) return;
    id_ = fork();
    if (id_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (const Descriptor* descriptor : closed) ::close(descriptor->get());
      (void)!write(ready[1], "", 1);
      for (;;) pause();
    }
    char byte = 0;
    (void)!read(ready[0], &byte, 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int id() const { return id_; }

  void end() {
    if (id_ <= 0) return;
    kill(id_, SIGKILL);
    waitpid(id_, nullptr, 0);
    id_ = -1;
  }

 private:
  pid_t id_ = -1;
};

class Listening : public testing::TestWithParam<std::array<const char*, 2>> {};

TEST_P(Listening, is_found_at_the_target) {
  const auto [listens, target] = GetParam();
  const Descriptor listener = listener_at({listens});
  if (!listener.is_open()) GTEST_SKIP() << "no socket can listen at " << listens << " here";
  const ServerProcesses processes{address_of({target, port_of(listener)})};
  EXPECT_EQ(processes.ids(), Ids{getpid()}) << processes.why();
  EXPECT_EQ(processes.why(), "");
}

INSTANTIATE_TEST_SUITE_P(ServerProcesses, Listening,
                         testing::Values(std::array{"127.0.0.1", "127.0.0.1"}, std::array{"0.0.0.0", "127.0.0.1"},
                                         std::array{"0.0.0.0", "127.9.8.7"}, std::array{"127.0.0.1", "0.0.0.0"},
                                         std::array{"::1", "::1"}, std::array{"::", "::1"},
                                         std::array{"::", "127.0.0.1"}, std::array{"::ffff:127.0.0.1", "127.0.0.1"}));

TEST(ServerProcesses, that_listen_at_another_address_or_port_are_not_found) {
  const Descriptor listener = listener_at({"127.0.0.1"});
  const std::uint16_t port = port_of(listener);
  EXPECT_TRUE(ServerProcesses{address_of({"127.0.0.2", port})}.ids().empty());
  EXPECT_TRUE(ServerProcesses{address_of({"127.0.0.1", static_cast<std::uint16_t>(port ^ 1U)})}.ids().empty());
}

TEST(ServerProcesses, of_another_machine_are_not_those_that_listen_here_at_all_addresses) {
  const Descriptor listener = listener_at({"0.0.0.0"});
  const ServerProcesses processes{address_of({"192.0.2.1", port_of(listener)})};
  EXPECT_TRUE(processes.ids().empty());
  EXPECT_EQ(processes.why(), "the target is not on this machine");
}

TEST(ServerProcesses, at_the_address_itself_come_before_those_at_all_addresses) {
  const Descriptor exact = listener_at({"127.0.0.1"});
  const std::uint16_t port = port_of(exact);
  Descriptor all = listener_at({"0.0.0.0", port});
  ASSERT_TRUE(exact.is_open() && all.is_open());
  const Child child{{&exact}};
  all = Descriptor{};
  EXPECT_EQ(ServerProcesses{address_of({"127.0.0.1", port})}.ids(), Ids{getpid()});
  EXPECT_EQ(ServerProcesses{address_of({"127.0.0.2", port})}.ids(), Ids{child.id()});
}

TEST(ServerProcesses, that_share_a_listener_are_read_together) {
  const Descriptor listener = listener_at({"127.0.0.1"});
  const auto address = address_of({"127.0.0.1", port_of(listener)});
  const ServerReading alone = ServerProcesses{address}.read().value();
  const Child child;
  const ServerProcesses both{address};
  Ids ids = both.ids();
  std::sort(ids.begin(), ids.end());
  Ids expected{getpid(), child.id()};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(ids, expected);
  EXPECT_GT(both.read().value().resident_bytes, alone.resident_bytes);
}

TEST(ServerProcesses, that_have_ended_can_no_longer_be_read) {
  Descriptor listener = listener_at({"127.0.0.1"});
  const auto address = address_of({"127.0.0.1", port_of(listener)});
  Child child;
  listener = Descriptor{};
  const ServerProcesses processes{address};
  ASSERT_EQ(processes.ids(), Ids{child.id()});
  EXPECT_TRUE(processes.read());
  child.end();
  EXPECT_FALSE(processes.read());
}

TEST(ServerProcesses, memory_grows_by_what_is_touched) {
  constexpr std::size_t size = 32U << 20;
  const Descriptor listener = listener_at({"127.0.0.1"});
  const ServerProcesses processes{address_of({"127.0.0.1", port_of(listener)})};
  const ServerReading before = processes.read().value();
  void* space = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(space, MAP_FAILED);
  const auto untouched = processes.read().value().resident_bytes;
  // By the kernel: what the program itself writes to, a sanitizer keeps books on, in memory of its own.
  ASSERT_EQ(madvise(space, size, MADV_POPULATE_WRITE), 0);
  const auto touched = processes.read().value().resident_bytes;
  munmap(space, size);
  EXPECT_LT(untouched, before.resident_bytes + size / 2);
  EXPECT_GE(touched, before.resident_bytes + size / 8 * 7);
  EXPECT_LE(touched, before.resident_bytes + size / 8 * 9);
  EXPECT_TRUE(processes.memory_source() == "smaps_rollup" || processes.memory_source() == "statm");
}

std::chrono::nanoseconds cpu_of_this_process() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

TEST(ServerProcesses, cpu_time_is_what_the_system_has_counted) {
  const Descriptor listener = listener_at({"127.0.0.1"});
  const ServerProcesses processes{address_of({"127.0.0.1", port_of(listener)})};
  const auto counted_before = cpu_of_this_process();
  const ServerReading before = processes.read().value();
  while (cpu_of_this_process() < counted_before + 200ms) {
    std::atomic<int> steps = 0;  // outside of the system more than in it
    while (steps.fetch_add(1, std::memory_order_relaxed) < 100'000) {
    }
  }
  while (cpu_of_this_process() < counted_before + 400ms) getppid();  // in it
  const ServerReading after = processes.read().value();
  const auto counted = cpu_of_this_process() - counted_before;
  EXPECT_GE(after.cpu - before.cpu, 400ms - 50ms);
  EXPECT_LE(after.cpu - before.cpu, counted + processes.cpu_step());
  EXPECT_GT(after.at, before.at);
}

TEST(CommandLine, idle_says_what_each_connection_costs_the_server) {
  SmallServer server;
  ProgramRun run{{"stress", "idle", server.name(), "--connections", "5", "--hold", "200ms", "--json"}};
  EXPECT_EQ(run.wait(), 0);
  const nlohmann::json result = nlohmann::json::parse(run.output);
  EXPECT_EQ(result["why"], nullptr);
  const nlohmann::json& cost = result["server"];
  ASSERT_TRUE(cost.is_object()) << run.output;
  EXPECT_EQ(cost["process_ids"], Ids{getpid()});
  EXPECT_EQ(cost["held"], 5);
  EXPECT_GT(cost["resident_end_bytes"], 0);
  const double grown = cost["resident_held_bytes"].get<double>() - cost["resident_before_bytes"].get<double>();
  EXPECT_DOUBLE_EQ(cost["bytes_per_connection"].get<double>(), grown / 5);
  EXPECT_GE(cost["cpu_share"].get<double>(), 0);
}

TEST(CommandLine, idle_names_the_process_that_it_has_read) {
  SmallServer server;
  ProgramRun run{{"stress", "idle", server.name(), "--connections", "5", "--hold", "20ms"}};
  EXPECT_EQ(run.wait(), 0);
  EXPECT_NE(run.output.find("process " + std::to_string(getpid()) + "\n"), std::string::npos) << run.output;
  EXPECT_NE(run.output.find("user memory a connection"), std::string::npos) << run.output;
}

}  // namespace

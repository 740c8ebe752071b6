// Making and starting a server: ports that other processes have, sockets that share a port, and handle limits.
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <optional>
#include <thread>

#include "server/failing_server.hpp"
#include "server/server_process.hpp"

namespace iocpp::tests {
namespace {

struct Groups {
  unsigned first_shards;
  unsigned second_shards;
};
class PortInUseElsewhere : public ::testing::TestWithParam<Groups> {
 protected:
  static Options second(std::uint16_t port) {
    return {.port = port, .host = "127.0.0.1", .shards = GetParam().second_shards};
  }
};

TEST_P(PortInUseElsewhere, refuses_a_server_of_another_process) {
  Journal journal;
  journal.received = echo;
  LiveServer first{journal, {.shards = GetParam().first_shards}};
  ServerProcess other{{.port = first->port(), .shards = GetParam().second_shards}};
  EXPECT_TRUE(other.greeting().starts_with("failed address_in_use")) << other.greeting();
  EXPECT_EQ(other.end(), 1);
  for (int count = 0; count < 20; ++count) EXPECT_EQ(first.connect().echo("mine"), "mine");
}

TEST_P(PortInUseElsewhere, by_another_process) {
  ServerProcess first{{.port = 0, .shards = GetParam().first_shards}};
  EXPECT_EQ(failure_of(second(first.port())).code(), errc::address_in_use);
}

TEST_P(PortInUseElsewhere, by_a_stranger_that_shares_it) {
  // SO_REUSEPORT on both sides would let two servers split the clients between them.
  const Descriptor stranger{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const int on = 1;
  ::setsockopt(stranger.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const sockaddr_in address = loopback(0);
  ASSERT_EQ(::bind(stranger.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(stranger.get(), 16), 0);
  EXPECT_EQ(failure_of(second(port_of(stranger.get()))).code(), errc::address_in_use);
}

INSTANTIATE_TEST_SUITE_P(Shards, PortInUseElsewhere,
                         ::testing::Values(Groups{1, 1}, Groups{1, 2}, Groups{2, 1}, Groups{2, 2}),
                         [](const auto& test) {
                           return std::to_string(test.param.first_shards) + "_then_" +
                                  std::to_string(test.param.second_shards);
                         });

/// This thread may not bind ports below 1024 any more (capabilities(7): they are a thread's).
bool give_up_low_ports() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[2]{};
  if (::syscall(SYS_capget, &header, sets) != 0) return false;
  sets[0].effective &= ~(1U << CAP_NET_BIND_SERVICE);
  return ::syscall(SYS_capset, &header, sets) == 0;
}

TEST(Listening, on_a_port_that_is_not_permitted) {
  int first_free_for_all = 0;
  std::ifstream{"/proc/sys/net/ipv4/ip_unprivileged_port_start"} >> first_free_for_all;
  if (first_free_for_all <= 7) GTEST_SKIP() << "here everybody may bind every port (ip_unprivileged_port_start)";
  std::optional<std::system_error> failure;
  std::thread without{[&] {
    if (give_up_low_ports()) failure = failure_of({.port = 7, .host = "127.0.0.1"});
  }};
  without.join();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code(), errc::permission_denied) << failure->what();
  EXPECT_NE(std::string{failure->what()}.find("CAP_NET_BIND_SERVICE"), std::string::npos) << failure->what();
}

/// Lets this process open only so many more handles, while it lives.
class HandlesLeft {
 public:
  explicit HandlesLeft(rlim_t more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const Descriptor next{::dup(STDIN_FILENO)};
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(next.get()) + more;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~HandlesLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  HandlesLeft(const HandlesLeft&) = delete;
  HandlesLeft& operator=(const HandlesLeft&) = delete;

 private:
  rlimit before_{};
};

// Without a file within reach the reserve handle could not be had, and each client was refused for want of handles.
TEST(Start, after_chroot_into_an_empty_folder_serves) {
  Journal journal;
  journal.received = echo;
  std::optional<int> refused;
  std::thread confined{[&] {
    std::string folder = "/tmp/iocpp-XXXXXX";
    // The thread's own root directory, and that of the threads it starts.
    if (::mkdtemp(folder.data()) == nullptr || ::unshare(CLONE_FS) != 0) return void(refused = errno);
    Server server{on_loopback(), journal};
    const int failed = ::chroot(folder.c_str());
    ::rmdir(folder.c_str());
    if (failed != 0) return void(refused = errno);
    server.start();
    for (int count = 0; count < 5; ++count) EXPECT_EQ((Client{server.port()}).echo("served"), "served");
    server.request_drain(std::chrono::seconds{5});
    server.wait();
    EXPECT_EQ(server.counters().shed, 0U);
  }};
  confined.join();
  if (refused) GTEST_SKIP() << "chroot: " << std::strerror(*refused);
}

TEST(Start, short_of_handles_at_any_point_leaves_nothing) {
  const Footprint before = Footprint::now();
  unsigned failed = 0;
  unsigned started = 0;
  for (rlim_t handles = 0; handles < 16; ++handles) {
    Handler handler;
    try {
      const HandlesLeft left{handles};
      Server server(on_loopback({.shards = 2, .limits = {.connections_max = 100}}), handler);
      server.start();
      ++started;
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), errc::too_many_handles) << error.what();
      ++failed;
    }
    EXPECT_EQ(footprint_after(before), before) << "with " << handles << " handles";
  }
  EXPECT_GE(failed, 4U);
  EXPECT_GE(started, 1U);
}

}  // namespace
}  // namespace iocpp::tests

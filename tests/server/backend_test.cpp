// Which backend a server gets: the one asked for, or the best that works; and what is said about it.
#include <gtest/gtest.h>

#include <cerrno>

#include "server/live_server.hpp"
#include "server/server_process.hpp"

namespace iocpp::tests {
namespace {

void expect_served(const ServerProcess& server) {
  for (int count = 0; count < 20; ++count) EXPECT_EQ(Client{server.port()}.echo("anybody there?"), "anybody there?");
}

TEST(BackendChoice, is_the_one_asked_for) {
  for (const Backend wanted : {Backend::io_uring, Backend::epoll}) {
    Journal journal;
    journal.received = echo;
    LiveServer server{journal, {.shards = 2, .backend = wanted}};
    EXPECT_EQ(server->backend(), wanted);
    EXPECT_EQ(server->backend_reason(), "asked for");
    EXPECT_EQ(server.connect().echo("served"), "served");
  }
}

TEST(BackendChoice, by_itself_is_io_uring_where_it_works) {
  ServerProcess server{{.shards = 2, .backend = "automatic"}};
  EXPECT_EQ(server.backend(), "io_uring: io_uring has all that is needed: using io_uring");
  expect_served(server);
}

TEST(BackendChoice, by_itself_is_epoll_where_io_uring_is_barred) {
  ServerProcess server{{.shards = 2, .backend = "automatic", .io_uring_barred_with = EPERM}};
  EXPECT_EQ(server.backend(), "epoll: io_uring barred (EPERM: seccomp or kernel.io_uring_disabled): using epoll");
  expect_served(server);
  EXPECT_EQ(server.end(), 0);
}

TEST(BackendChoice, by_itself_is_epoll_on_a_kernel_without_io_uring) {
  ServerProcess server{{.accept_thread = true, .backend = "automatic", .io_uring_barred_with = ENOSYS}};
  EXPECT_EQ(server.backend(), "epoll: kernel without io_uring, or a filter that hides it (ENOSYS): using epoll");
  expect_served(server);
}

TEST(BackendChoice, of_a_barred_io_uring_fails_and_says_why) {
  ServerProcess server{{.backend = "io_uring", .io_uring_barred_with = EPERM}};
  EXPECT_TRUE(server.greeting().starts_with(
      "failed Options::backend: io_uring barred (EPERM: seccomp or kernel.io_uring_disabled)"))
      << server.greeting();
  EXPECT_EQ(server.end(), 1);
}

TEST(BackendChoice, of_one_that_this_build_does_not_have_is_not_supported) {
  Handler handler;
  try {
    Server server{{.host = "127.0.0.1", .backend = static_cast<Backend>(99)}, handler};
    FAIL() << "the constructor did not throw";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::not_supported);
    EXPECT_NE(std::string{error.what()}.find("backend"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace iocpp::tests

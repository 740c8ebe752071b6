// What is so on every system; server_processes_linux_test.cpp has the rest.
#include "stress/server_processes.hpp"

#include <gtest/gtest.h>

#include "small_server.hpp"

namespace {

TEST(ServerProcesses, are_none_where_nobody_listens_and_the_reason_is_told) {
  const RefusingPort port;
  const stress::ServerProcesses processes{port.address()};
  EXPECT_TRUE(processes.ids().empty());
  EXPECT_NE(processes.why(), "");
  EXPECT_FALSE(processes.read());
}

TEST(ServerProcesses, are_found_or_it_is_told_why_not) {
  SmallServer server;
  const stress::ServerProcesses processes{server.address()};
  EXPECT_NE(processes.ids().empty(), processes.why().empty());
  EXPECT_EQ(processes.ids().empty(), !processes.read());
}

}  // namespace

// A server in `run`.
#pragma once

#include <thread>

#include "server/live_server.hpp"

namespace iocpp::tests {

/// A server in `run`, on a thread of its own.
class RunningServer {
 public:
  explicit RunningServer(Journal& journal, Options options = {}) : server_{on_loopback(std::move(options)), journal} {
    thread_ = std::thread{[this] { report_ = server_.run(); }};
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;
  ~RunningServer() { end(); }

  Server& operator*() noexcept { return server_; }
  Server* operator->() noexcept { return &server_; }

  /// A client that was served: so `run` has its signal handlers by now.
  Client served() {
    Client client{server_.port()};
    EXPECT_EQ(client.echo("hello"), "hello");
    return client;
  }
  DrainReport end() {
    if (thread_.joinable()) thread_.join();
    return report_;
  }

 private:
  Server server_;
  std::thread thread_;
  DrainReport report_;
};

}  // namespace iocpp::tests

// A server on loopback that checks, when it ends, what must hold for every server.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <numeric>

#include "backend/choose.hpp"
#include "iocpp/iocpp.hpp"
#include "server/client.hpp"
#include "server/journal.hpp"
#include "support/backend_under_test.hpp"

namespace iocpp::tests {

/// Options that name no address mean 127.0.0.1 here; those that name no backend, the one under test.
inline Options on_loopback(Options options = {}) {
  if (options.backend == Backend::automatic) options.backend = backend_under_test();
  if (options.host.empty() && options.listen.empty()) options.host = "127.0.0.1";
  return options;
}

/// How many threads accept, of a server without an accepting thread that was asked for.
inline unsigned accepting_threads(const Server& server) {
  return backend::shares_port(server.backend()) ? server.shards() : 1;
}

inline std::uint64_t disconnected_in_all(const Counters& counters) {
  return std::accumulate(counters.disconnected.begin(), counters.disconnected.end(), std::uint64_t{0});
}

inline std::uint64_t disconnected(const Counters& counters, DisconnectReason reason) {
  return counters.disconnected[static_cast<std::size_t>(reason)];
}

/// Started, and ended at the latest by its destructor. The journal's calls and the counters must agree then.
class LiveServer {
 public:
  explicit LiveServer(Journal& journal, Options options = {})
      : journal_{journal}, server_{on_loopback(std::move(options)), journal} {
    server_.start();
  }
  LiveServer(const LiveServer&) = delete;
  LiveServer& operator=(const LiveServer&) = delete;
  ~LiveServer() {
    stop();
    check();
  }

  Server& operator*() noexcept { return server_; }
  Server* operator->() noexcept { return &server_; }
  Client connect(const ClientOptions& options = {}) { return Client{server_.port(), options}; }
  Counters counters() const { return server_.counters(); }

  DrainReport stop(std::chrono::milliseconds deadline = std::chrono::milliseconds{0}) {
    server_.request_drain(deadline);
    return server_.wait();
  }

  /// Runs `task` on a shard's thread, waits for its end, and rethrows what it threw.
  void on_shard(const std::function<void()>& task, unsigned shard = 0) {
    const auto done = std::make_shared<std::promise<void>>();
    std::future<void> end = done->get_future();
    const std::error_code error = server_.post(shard, [task, done] {
      try {
        task();
        done->set_value();
      } catch (...) {
        done->set_exception(std::current_exception());
      }
    });
    if (error) throw std::system_error(error, "post");
    if (end.wait_for(patience) != std::future_status::ready) throw std::runtime_error("a posted task did not run");
    end.get();
  }

 private:
  void check() const {
    const Counters at_end = counters();
    EXPECT_EQ(journal_.disorder(), "");
    EXPECT_EQ(at_end.accepted, journal_.count(Told::connect));
    EXPECT_EQ(at_end.connections_open, 0U);
    EXPECT_EQ(at_end.accepted, disconnected_in_all(at_end));
    std::array<std::uint64_t, disconnect_reasons> told{};
    std::uint64_t unsent = 0;
    for (const Entry& entry : journal_.all(Told::disconnect)) {
      ++told[static_cast<std::size_t>(entry.end.reason)];
      unsent += entry.end.unsent_bytes;
    }
    EXPECT_EQ(told, at_end.disconnected);
    EXPECT_EQ(unsent, at_end.unsent_bytes);
    EXPECT_EQ(at_end.mailbox_undeliverable, journal_.count(Told::send_failed));
    EXPECT_EQ(at_end.listeners_open, 0U);
    EXPECT_EQ(at_end.accepts_in_flight, 0U);
    EXPECT_EQ(at_end.loop_errors, 0U);
    EXPECT_EQ(journal_.count(Told::server_close), server_.shards());
  }

  Journal& journal_;
  Server server_;
};

}  // namespace iocpp::tests

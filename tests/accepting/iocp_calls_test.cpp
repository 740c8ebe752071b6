// What the IOCP port asks of the system, call by call: each is needed, and none is made twice.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "accepting/echo.hpp"
#include "backend/iocp/port.hpp"
#include "engine/engine.hpp"
#include "support/counting_iocp.hpp"
#include "support/peer.hpp"

namespace iocpp::tests {
namespace {

class IocpCallsPer : public ::testing::Test {
 protected:
  using Port = iocp::Port<CountingIocp>;

  explicit IocpCallsPer(std::size_t posted_receive_bytes = 0) : group_{100} {
    Descriptor listener = listen_on_loopback();
    port_ = port_of(listener.get());
    engine::EngineConfig config;
    config.core.platform = Port::capabilities.platform;
    config.core.peer_name = &Port::peer_name;
    config.backend.posted_receive_bytes = posted_receive_bytes;
    config.listeners = {listener.release()};
    engine_.emplace(config, group_, &calls_);
    group_.loops = group_.acceptors = {&*engine_};
  }
  ~IocpCallsPer() override {
    group_.request_drain(TimePoint{});
    while (engine_->turn()) {
    }
  }
  void SetUp() override { ASSERT_FALSE(engine_->open({served_})); }

  void until(const std::function<bool()>& enough) {
    while (!enough()) engine_->turn();
  }
  core::ShardCounters& counters() { return engine_->core().counters(); }
  void echo(Peer& client) {
    const std::uint64_t sent = counters().bytes_sent.get();
    client.send("echo");
    until([&] { return counters().bytes_sent.get() == sent + 4; });
    EXPECT_EQ(client.receive(4), "echo");
  }

  void expect_a_connection_to_take(const IocpCalls& calls) {
    for (int count = 0; count < 10; ++count) {
      calls_.clear();
      Peer client{port_};
      echo(client);
      client.close();
      until([&] { return counters().connections_open.get() == 0; });
      calls_.erase("GetQueuedCompletionStatusEx");  // how many turns it takes is the client's doing
      EXPECT_EQ(calls_, calls);
    }
  }

  /// Without what fetches its bytes.
  const IocpCalls short_connection{{"setsockopt(SO_UPDATE_ACCEPT_CONTEXT)", 1},
                                   {"setsockopt(TCP_NODELAY)", 1},
                                   {"CreateIoCompletionPort", 1},
                                   {"SetFileCompletionNotificationModes", 1},
                                   {"WSARecv", 2},
                                   {"WSASend", 1},
                                   {"closesocket", 1},
                                   {"WSASocketW", 1},  // the next accept's
                                   {"AcceptEx", 1}};

  IocpCalls calls_;
  Echo handler_;
  Handler* served_ = &handler_;
  engine::Group group_;
  std::optional<engine::Engine<Port>> engine_;
  std::uint16_t port_ = 0;
};

TEST_F(IocpCallsPer, listener) {
  EXPECT_EQ(calls_,
            (IocpCalls{{"getsockname", 1}, {"CreateIoCompletionPort", 1}, {"WSASocketW", 16}, {"AcceptEx", 16}}));
}

TEST_F(IocpCallsPer, echo_of_a_quiet_connection) {
  Peer client{port_};
  echo(client);
  calls_.clear();
  for (int count = 0; count < 100; ++count) echo(client);
  EXPECT_EQ(calls_,
            (IocpCalls{{"GetQueuedCompletionStatusEx", 100}, {"recv", 100}, {"WSASend", 100}, {"WSARecv", 100}}));
}

class IocpCallsWithPostedBuffersPer : public IocpCallsPer {
 protected:
  IocpCallsWithPostedBuffersPer() : IocpCallsPer{4096} {}
};

TEST_F(IocpCallsWithPostedBuffersPer, echo_of_a_quiet_connection) {
  Peer client{port_};
  echo(client);
  calls_.clear();
  for (int count = 0; count < 100; ++count) echo(client);
  EXPECT_EQ(calls_, (IocpCalls{{"GetQueuedCompletionStatusEx", 100}, {"WSASend", 100}, {"WSARecv", 100}}));
}

// With posted buffers one fewer than Asio, with two waits in place of four (scripts/bench-iocp-calls).
TEST_F(IocpCallsWithPostedBuffersPer, connection_with_one_echo_that_the_client_ends) {
  expect_a_connection_to_take(short_connection);
}

TEST_F(IocpCallsPer, connection_with_one_echo_that_the_client_ends) {
  IocpCalls calls = short_connection;
  calls["ioctlsocket(FIONBIO)"] = 1;
  calls["recv"] = 2;
  expect_a_connection_to_take(calls);
}

struct SendsMuch final : Handler {
  static constexpr std::size_t size = 4U << 20;
  void on_connect(Connection connection) override { connection.send(std::vector<std::byte>(size)); }
};

class IocpCallsOf : public IocpCallsPer {
 protected:
  IocpCallsOf() { served_ = &sends_much_; }
  SendsMuch sends_much_;
};

// One send of 4 MiB was pending until the client had read all of it: to close(), a client that read slowly all the time
// was one that did not read.
TEST_F(IocpCallsOf, much_that_is_sent_tell_of_progress_each_512_kib) {
  Peer client{port_};
  std::size_t received = 0;
  std::thread reading{[&] { received = client.receive(SendsMuch::size).size(); }};
  until([&] { return counters().bytes_sent.get() == SendsMuch::size; });
  reading.join();
  EXPECT_EQ(received, SendsMuch::size);
  EXPECT_EQ(calls_["WSASend"], 8);
}

}  // namespace
}  // namespace iocpp::tests

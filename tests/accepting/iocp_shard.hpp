// A shard on faulty completion ports, turned by the test itself: every turn is checked.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "accepting/echo.hpp"
#include "backend/iocp/port.hpp"
#include "engine/engine.hpp"
#include "support/faulty_iocp.hpp"
#include "support/peer.hpp"

namespace iocpp::tests {

class IocpShard {
 public:
  using Port = iocp::Port<FaultyIocp>;

  explicit IocpShard(IocpScript& script, unsigned singles = 16) : script_{script}, group_{10'000} {
    Descriptor listener = listen_on_loopback();
    port_number_ = port_of(listener.get());
    engine::EngineConfig config;
    config.core.platform = Port::capabilities.platform;
    config.core.peer_name = &Port::peer_name;
    config.core.linger_timeout = std::chrono::hours{1};
    config.accepts_in_flight = singles;
    config.listeners = {listener.release()};
    config.reopen_listener = [this](std::size_t, int& error) { return reopen(error); };
    engine_.emplace(config, group_, &script_);
    group_.loops = group_.acceptors = {&*engine_};
  }

  /// Drains and ends; everything must be gone.
  ~IocpShard() {
    script_.faults.clear();
    group_.request_drain(TimePoint{});
    int turns = 0;
    while (engine_->turn() && ++turns < 10'000) {
    }
    EXPECT_LT(turns, 10'000);
    EXPECT_EQ(engine_->core().connections(), 0U);
    EXPECT_EQ(engine_->port().in_flight(), 0U);
    EXPECT_EQ(engine_->port().sys().pending(), 0U);
    EXPECT_EQ(engine_->port().sys().contexts_to_fail(), 0U);
  }

  /// Apart from the constructor, so that clients can wait already when the first accepts are posted.
  void open() {
    ASSERT_FALSE(engine_->open({&handler_}));
    check();
  }

  void turn() {
    engine_->turn();
    check();
  }

  /// Turns until `enough()`. False: not within 20,000 turns.
  bool until(const std::function<bool()>& enough) {
    for (int turns = 0; turns < 20'000; ++turns) {
      if (enough()) return true;
      turn();
    }
    return enough();
  }

  /// Every fault has happened and was seen, and as many accepts wait in the system as there should be.
  bool until_script_is_over(unsigned singles = 16) {
    return until([this, singles] {
      return script_.faults.empty() && engine_->port().sys().contexts_to_fail() == 0 &&
             acceptor().accepts_in_flight() == singles && engine_->port().sys().pending() == singles;
    });
  }

  /// A new client is served: the proof that the server is not deaf.
  void expect_served() {
    Peer client{port_number_};
    client.send("anybody there?");
    const std::uint64_t sent = counters().bytes_sent.get();
    ASSERT_TRUE(until([&] { return counters().bytes_sent.get() >= sent + 14; })) << "DEAF";
    EXPECT_EQ(client.receive(14), "anybody there?");
    client.close();
    ASSERT_TRUE(until([&] { return counters().connections_open.get() == 0; }));
  }

  const core::Acceptor& acceptor() { return engine_->listeners().front().acceptor; }
  core::ShardCounters& counters() { return engine_->core().counters(); }
  Echo& handler() { return handler_; }
  std::uint16_t port() const { return port_number_; }
  engine::Engine<Port>& engine() { return *engine_; }

 private:
  void check() {
    if (!engine_->accept_chain_holds()) ADD_FAILURE() << "a listener is open, and nothing will wake it";
  }

  NativeHandle reopen(int& error) {
    try {
      return listen_on_loopback(port_number_).release();
    } catch (const std::runtime_error&) {
      error = windows_error::wsaeaddrinuse;
      return no_handle;
    }
  }

  IocpScript& script_;
  Echo handler_;
  engine::Group group_;
  std::optional<engine::Engine<Port>> engine_;
  std::uint16_t port_number_ = 0;
};

/// How many descriptors this process has.
inline std::size_t descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) ++count;
  return count;
}

}  // namespace iocpp::tests

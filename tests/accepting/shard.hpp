// A shard with a faulty kernel, turned by the test itself: every turn is checked.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

#include "accepting/echo.hpp"
#include "backend/posix/socket_address.hpp"
#include "engine/engine.hpp"
#include "faulty_port.hpp"
#include "support/peer.hpp"

namespace iocpp::tests {

class FaultyShard {
 public:
  using Port = FaultyPort;

  explicit FaultyShard(AcceptScript& script, unsigned singles = 16) : script_{script}, group_{10'000} {
    Descriptor listener = listen_on_loopback();
    port_number_ = port_of(listener.get());
    listener_ = listener.get();
    engine::EngineConfig config;
    config.core.peer_name = &Port::peer_name;
    config.accepts_in_flight = singles;
    config.listeners = {listener.release()};
    config.reopen_listener = [this](std::size_t, int& error) { return reopen(error); };
    engine_.emplace(config, group_, &script_);
    group_.loops = group_.acceptors = {&*engine_};
    EXPECT_FALSE(engine_->open({&handler_}));
    check();
  }

  /// Drains and ends, with nothing more failing; everything must be gone.
  ~FaultyShard() {
    script_.faults.clear();
    script_.forever = 0;
    drain(std::chrono::nanoseconds{0});
    EXPECT_EQ(engine_->core().connections(), 0U);
    EXPECT_EQ(group_.reserves_out.load(), 0U);
    EXPECT_EQ(engine_->port().in_flight(), 0U);
  }

  /// Ends in order, within `deadline`.
  void drain(std::chrono::nanoseconds deadline) {
    if (ended_) return;
    group_.request_drain(engine_->port().now() + deadline);
    int turns = 0;
    while (engine_->turn() && ++turns < 10'000) check();
    ended_ = turns < 10'000;
    EXPECT_TRUE(ended_) << "a drain without an end";
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

  bool until_script_is_over() {
    return until([this] {
      return script_.faults.empty() && engine_->port().sys().pending() == 0 &&
             acceptor().mode() == core::Acceptor::Mode::accepting && acceptor().accepts_in_flight() > 0;
    });
  }

  /// A new client is served: the proof that the server is not deaf.
  void expect_served() {
    Peer client{port_number_};
    client.send("anybody there?");
    std::string answer;
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
  engine::Group& group() { return group_; }

  int reopen_failures = 0;  ///< So many times, making the listener anew fails.
  bool handle_gone =
      false;  ///< The script says EBADF of a handle that is fine: it is closed here, as the engine must not.

 private:
  void check() {
    if (!engine_->accept_chain_holds()) ADD_FAILURE() << "a listener is open, and nothing will wake it";
  }

  NativeHandle reopen(int& error) {
    if (handle_gone) ::close(std::exchange(listener_, -1));
    handle_gone = false;
    if (reopen_failures > 0) {
      --reopen_failures;
      error = linux_errno::nomem;
      return no_handle;
    }
    try {
      listener_ = listen_on_loopback(port_number_).release();
      return listener_;
    } catch (const std::runtime_error&) {
      // Accepts that are still being cancelled hold the old socket for a moment: the next attempt finds it free.
      error = linux_errno::addrinuse;
      return no_handle;
    }
  }

  AcceptScript& script_;
  Echo handler_;
  engine::Group group_;
  std::optional<engine::Engine<Port>> engine_;
  std::uint16_t port_number_ = 0;
  int listener_ = -1;
  bool ended_ = false;
};

}  // namespace iocpp::tests

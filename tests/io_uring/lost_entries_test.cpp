// Entries that the kernel has lost: the port ends all that is in flight, and the engine begins anew. Before, an accept
// whose entry was lost left its listener deaf, and bytes of one client came as another's.
#include <gtest/gtest.h>

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "backend/io_uring/port.hpp"
#include "backend/posix/socket_address.hpp"
#include "conformance/world.hpp"
#include "engine/engine.hpp"
#include "losing_sys.hpp"
#include "support/peer.hpp"

namespace iocpp::tests {
namespace {

using core::Operation;
using core::SlotRef;
using Entry = LosingSys::Entry;
using Kind = LosingSys::Kind;

class LostEntries : public ::testing::Test {
 protected:
  using World = RealWorld<io_uring::Port<LosingSys>>;

  NativeHandle accepted() {
    int error = 0;
    const NativeHandle handle = world.port().accept_now(world.listener(), error);
    EXPECT_EQ(error, 0);
    return handle;
  }
  void lose_next(Kind kind) { world.port().sys().lose_next(kind); }
  /// Waits until a loss is told.
  bool loses() {
    return world.until([this] { return world.port().lost() != 0; });
  }
  std::vector<Event> of(SlotRef slot) {
    std::vector<Event> found;
    for (const Event& event : world.events) {
      if (event.completion.target == slot.index && event.completion.operation != Operation::accept)
        found.push_back(event);
    }
    return found;
  }
  void end(std::initializer_list<SlotRef> slots) {
    for (const SlotRef slot : slots) {
      ASSERT_TRUE(world.port().cancel_receive(slot));
      const auto ended = [&] { return !of(slot).empty() && !of(slot).back().completion.more; };
      ASSERT_TRUE(world.until(ended));
      ASSERT_TRUE(world.port().close(slot, false));
      ASSERT_TRUE(world.until([&] { return of(slot).back().completion.operation == Operation::close; }));
    }
  }

  World world;
};

// The kernel uses a buffer up piece by piece; where the next piece lies, its entries say.
TEST_F(LostEntries, never_let_bytes_of_one_client_come_as_anothers) {
  Peer first_peer = world.connect();
  const SlotRef first{1, 1, accepted()};
  Peer second_peer = world.connect();
  const SlotRef second{2, 1, accepted()};
  ASSERT_TRUE(world.port().receive(first));
  ASSERT_TRUE(world.port().receive(second));
  world.collect(std::chrono::nanoseconds{0});
  lose_next(Kind::receive);
  first_peer.send("the first one's secret");
  ASSERT_TRUE(loses());
  second_peer.send("of the second, and lost too");
  EXPECT_EQ(world.collect(std::chrono::milliseconds{10}), 0U) << "nothing that was in flight is true any more";
  EXPECT_EQ(world.port().wait_error(), EBADR);
  ASSERT_TRUE(world.port().renew());
  EXPECT_EQ(world.port().lost(), 0);
  EXPECT_EQ(world.port().in_flight(), 0U);
  ASSERT_TRUE(of(first).empty() && of(second).empty());

  ASSERT_TRUE(world.port().receive(second));
  second_peer.send("of the second");
  ASSERT_TRUE(world.until([&] { return !of(second).empty() && !of(second).back().bytes.empty(); }));
  EXPECT_TRUE(of(second).back().bytes.ends_with("of the second"));
  ASSERT_TRUE(world.port().receive(first));
  end({first, second});
}

// A listener, a receive, a send that waits for room, a poll and the doorbell: all end, and nothing of it comes later.
TEST_F(LostEntries, end_whatever_is_in_flight) {
  Peer peer = world.connect();
  const SlotRef slot{1, 1, accepted()};
  const std::string much(8U << 20, 'x');
  const core::Buffer bytes{reinterpret_cast<const std::byte*>(much.data()), much.size()};
  ASSERT_TRUE(world.port().send(slot, {&bytes, 1}));
  ASSERT_TRUE(world.until([&] { return !of(slot).empty(); }));  // what there was room for
  const core::Buffer rest{bytes.bytes, bytes.size - of(slot).back().completion.bytes};
  const std::array gathered{core::Buffer{rest.bytes, 1}, core::Buffer{rest.bytes + 1, rest.size - 1}};
  ASSERT_TRUE(world.port().send(slot, gathered));
  ASSERT_TRUE(world.port().receive(slot));
  ASSERT_TRUE(world.port().accept(world.listener(), true));
  ASSERT_TRUE(world.port().poll_listener(world.listener()));
  ASSERT_TRUE(world.port().cancel_receive({9, 1, slot.handle}));
  world.port().sys().loses = [lost = false](const Entry&) mutable { return !std::exchange(lost, true); };
  ASSERT_TRUE(loses());
  world.events.clear();
  ASSERT_TRUE(world.port().renew());
  EXPECT_EQ(world.port().in_flight(), 0U);
  world.collect(std::chrono::milliseconds{20});
  EXPECT_TRUE(world.events.empty());
  EXPECT_EQ(world.port().in_flight(), 1U) << "the doorbell, and nothing else";
  world.port().close_now(slot.handle, true);
}

TEST_F(LostEntries, leave_no_buffers_until_there_is_memory_for_their_ring) {
  Peer peer = world.connect();
  const SlotRef slot{1, 1, accepted()};
  ASSERT_TRUE(world.port().receive(slot));
  lose_next(Kind::receive);
  peer.send("lost");
  ASSERT_TRUE(loses());
  world.port().sys().no_memory = 2;  // for now, and for the next wait
  ASSERT_TRUE(world.port().renew());
  ASSERT_TRUE(world.port().receive(slot));
  ASSERT_TRUE(world.until([&] { return !of(slot).empty(); }));
  EXPECT_EQ(of(slot).back().completion.error, EAGAIN) << "to be posted again";
  EXPECT_FALSE(of(slot).back().completion.more);
  world.collect(std::chrono::nanoseconds{0});
  ASSERT_TRUE(world.port().receive(slot));
  peer.send("here");
  ASSERT_TRUE(world.until([&] { return !of(slot).back().bytes.empty(); }));
  EXPECT_TRUE(of(slot).back().bytes.ends_with("here"));
  end({slot});
}

// What its entry was to say nobody knows: it is not told at all, and the engine ends whose it was.
TEST_F(LostEntries, may_have_been_of_a_quiet_send) {
  Peer peer = world.connect();
  const SlotRef slot{1, 1, accepted()};
  const std::string text = "quiet";
  ASSERT_TRUE(world.port().send_quietly(slot, {reinterpret_cast<const std::byte*>(text.data()), text.size()}));
  ASSERT_TRUE(world.port().cancel_receive({9, 1, slot.handle}));
  world.port().sys().loses = [lost = false](const Entry&) mutable { return !std::exchange(lost, true); };
  ASSERT_TRUE(loses());
  EXPECT_TRUE(of(slot).empty());
  ASSERT_TRUE(world.port().renew());
  EXPECT_EQ(world.port().in_flight(), 0U);
  world.port().close_now(slot.handle, true);
}

/// Echoes, and remembers how connections ended and what was told.
class Echo : public Handler {
 public:
  void on_receive(Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
  void on_disconnect(Connection, const Disconnect& how) override { ends.push_back(how); }
  void on_server_error(const ServerError& error) override { errors.push_back(error); }

  std::vector<Disconnect> ends;
  std::vector<ServerError> errors;
};

/// A shard over a kernel that loses entries, turned by the test.
class LosingShard : public ::testing::Test {
 protected:
  using Engine = engine::Engine<io_uring::Port<LosingSys>>;

  void SetUp() override {
    Descriptor listener = listen_on_loopback();
    port_ = port_of(listener.get());
    engine::EngineConfig config;
    config.core.peer_name = &io_uring::Port<LosingSys>::peer_name;
    config.listeners = {listener.release()};
    engine_.emplace(config, group_);
    group_.loops = group_.acceptors = {&*engine_};
    ASSERT_FALSE(engine_->open({&handler_}));
  }
  void TearDown() override {
    sys().loses = nullptr;
    drain();
    EXPECT_EQ(engine_->core().connections(), 0U);
  }

  void drain() {
    group_.request_drain(engine_->port().now());
    for (int turns = 0; turns < 1'000 && !ended_; ++turns) ended_ = !engine_->turn();
    EXPECT_TRUE(ended_) << "a drain without an end";
  }

  LosingSys& sys() { return engine_->port().sys(); }
  /// Turns until then; a doorbell sees to it that no turn sleeps.
  bool until(const std::function<bool()>& enough) {
    for (int turns = 0; turns < 2'000 && !enough(); ++turns) {
      engine_->wake();
      engine_->turn();
      EXPECT_TRUE(engine_->accept_chain_holds());
    }
    return enough();
  }
  void expect_served(Peer& client) {
    client.send("anybody there?");
    const std::uint64_t sent = engine_->core().counters().bytes_sent.get();
    ASSERT_TRUE(until([&] { return engine_->core().counters().bytes_sent.get() >= sent + 14; })) << "DEAF";
    EXPECT_EQ(client.receive(14), "anybody there?");
  }
  bool told() const {
    return !handler_.errors.empty() && handler_.errors.back().kind == ServerError::Kind::loop_failed &&
           handler_.errors.back().error.value() == EBADR;
  }

  engine::Group group_{10'000};
  Echo handler_;
  std::optional<Engine> engine_;
  std::uint16_t port_ = 0;
  bool ended_ = false;
};

TEST_F(LosingShard, accepts_on_after_the_last_entry_of_its_accept_was_lost) {
  // Multishot or not: its entry says that it has ended.
  sys().loses = [lost = false](const Entry& entry) mutable {
    if (lost || LosingSys::kind_of(entry) != Kind::accept) return false;
    ::close(entry.result);
    return lost = true;
  };
  Peer unheard{port_};
  ASSERT_TRUE(until([this] { return told(); }));
  Peer next{port_};
  expect_served(next);
}

TEST_F(LosingShard, resets_whose_bytes_may_have_been_lost_and_serves_who_comes) {
  Peer client{port_};
  expect_served(client);
  sys().lose_next(Kind::receive);
  client.send("lost");
  ASSERT_TRUE(until([this] { return handler_.ends.size() == 1; }));
  EXPECT_TRUE(told());
  EXPECT_EQ(handler_.ends[0].reason, DisconnectReason::network_error);
  EXPECT_EQ(handler_.ends[0].error.value(), EBADR);
  ASSERT_TRUE(until([this] { return engine_->core().connections() == 0; }));
  Peer next{port_};
  expect_served(next);
}

TEST_F(LosingShard, frees_what_a_close_without_an_end_held) {
  Peer client{port_};
  expect_served(client);
  sys().lose_next(Kind::close);
  client.reset();
  ASSERT_TRUE(until([this] { return told() && engine_->core().connections() == 0; }));
  Peer next{port_};
  expect_served(next);
}

TEST_F(LosingShard, ends_in_order_though_entries_are_lost_in_its_last_turns) {
  Peer client{port_};
  expect_served(client);
  sys().loses = [count = 0](const Entry&) mutable { return ++count % 2 == 0; };
  drain();
}

TEST_F(LosingShard, drains_though_there_is_no_memory_for_buffers) {
  Peer client{port_};
  expect_served(client);
  sys().lose_next(Kind::receive);
  sys().no_memory = 1'000'000;
  client.send("lost");
  ASSERT_TRUE(until([this] { return handler_.ends.size() == 1; }));
  drain();
}

// As many as were lost, whatever they were, are not as many as still run.
TEST_F(LosingShard, waits_for_an_operation_that_ends_late) {
  Peer first{port_};
  expect_served(first);
  Peer second{port_};
  expect_served(second);
  // Not the last ones of their operations, and two of them.
  sys().loses = [count = 0](const Entry& entry) mutable {
    const bool goes_on = (entry.flags & io_uring::kernel::entry_more) != 0;
    return LosingSys::kind_of(entry) == Kind::receive && goes_on && ++count <= 2;
  };
  sys().is_late = [](const Entry& entry) {
    return LosingSys::kind_of(entry) == Kind::receive && entry.result == -ECANCELED;
  };
  first.send("lost");
  second.send("lost");
  ASSERT_TRUE(until([this] { return handler_.ends.size() == 2; }));
  ASSERT_TRUE(until([this] { return engine_->core().connections() == 0; }));
  EXPECT_EQ(engine_->core().counters().stale_completions.get(), 0U);
  Peer next{port_};
  expect_served(next);
}

}  // namespace
}  // namespace iocpp::tests

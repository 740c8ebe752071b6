// The contract of engine/backend.hpp, point by point, over every backend. Nothing here asks which backend it is; where
// they may differ, the capability table says so. A file that includes this has named its `Worlds` and `WorldNames`.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <numeric>
#include <thread>

#include "conformance/world.hpp"
#include "core/accept_outcome.hpp"
#include "core/transfer_outcome.hpp"

namespace iocpp::tests {
namespace {

using core::Completion;
using core::Operation;
using core::SlotRef;
using core::TransferOutcome;

template <class World>
class Conformance : public ::testing::Test {
 protected:
  using Port = typename World::Port;

  void SetUp() override { ASSERT_EQ(world().open_error(), 0); }

  World& world() { return world_; }
  Port& port() { return world_.port(); }

  /// Posts an accept and connects a client: the server's side as slot `index`, the client in `peer`.
  SlotRef accepted(std::uint32_t index, std::uint32_t generation = 7) {
    if (!accepting_) {
      EXPECT_TRUE(port().accept(world().listener(), multishot_));
    }
    const std::size_t before = count(Operation::accept);
    peers.push_back(world().connect());
    EXPECT_TRUE(world().until([&] { return count(Operation::accept) > before; }));
    Completion last = last_of(Operation::accept);
    if (multishot_ && outcome_of_accept(last) == core::AcceptOutcome::listener_lost) {
      // EINVAL at the first: a kernel without multishot accept. The acceptor decides the same.
      multishot_ = false;
      EXPECT_TRUE(port().accept(world().listener(), multishot_));
      EXPECT_TRUE(world().until([&] { return count(Operation::accept) > before + 1; }));
      last = last_of(Operation::accept);
    }
    EXPECT_EQ(last.error, 0);
    EXPECT_EQ(port().attach(last.accepted), 0);
    accepting_ = last.more;
    return {index, generation, last.accepted};
  }

  std::size_t count(Operation operation) {
    return static_cast<std::size_t>(std::ranges::count_if(
        world().events, [&](const Event& event) { return event.completion.operation == operation; }));
  }
  std::size_t terminals(Operation operation, std::uint32_t target) {
    return static_cast<std::size_t>(std::ranges::count_if(world().events, [&](const Event& event) {
      return event.completion.operation == operation && event.completion.target == target && !event.completion.more;
    }));
  }
  Completion last_of(Operation operation) {
    for (auto event = world().events.rbegin(); event != world().events.rend(); ++event) {
      if (event->completion.operation == operation) return event->completion;
    }
    ADD_FAILURE() << "no such completion";
    return {};
  }
  std::string received(std::uint32_t target) {
    std::string bytes;
    for (const Event& event : world().events) {
      if (event.completion.operation == Operation::receive && event.completion.target == target) bytes += event.bytes;
    }
    return bytes;
  }
  bool until_terminal(Operation operation, std::uint32_t target) {
    return world().until([&] { return terminals(operation, target) > 0; });
  }
  void close(SlotRef slot, bool reset = false) {
    ASSERT_TRUE(port().close(slot, reset));
    ASSERT_TRUE(until_terminal(Operation::close, slot.index));
  }
  TransferOutcome outcome(const Completion& completion) {
    return core::classify_transfer(Port::capabilities.platform, completion.error);
  }
  static core::Buffer buffer(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
  }
  bool send(SlotRef slot, std::string_view text) { return port().send(slot, std::array{buffer(text)}); }

  /// A peer that begins to receive after the reset has come is of the same system as the port, and may be told the
  /// same.
  static void expect_reset(typename World::Peer& peer) {
    const int end = peer.end();
    EXPECT_TRUE(end == error_reset || (end == 0 && !Port::capabilities.sees_reset_before_receive)) << end;
  }

  /// The next bytes of the slot, which are still lent.
  Completion lent(SlotRef slot) {
    for (int waits = 0; waits < 200; ++waits) {
      for (const Completion& completion : port().wait(std::chrono::milliseconds{100})) {
        if (completion.operation == Operation::receive && completion.target == slot.index && completion.bytes != 0)
          return completion;
      }
    }
    ADD_FAILURE() << "nothing was received";
    return {};
  }
  /// Ends the receive, of which `last` was seen last.
  void end_receive(SlotRef slot, const Completion& last) {
    if (!last.more) return;
    ASSERT_TRUE(port().cancel_receive(slot));
    ASSERT_TRUE(until_terminal(Operation::receive, slot.index));
  }

  /// Ends the accept, so that nothing is in flight at the end of a test.
  void TearDown() override {
    if (accepting_) {
      ASSERT_TRUE(port().cancel_listener(world().listener()));
      ASSERT_TRUE(world().until([&] { return terminals(Operation::accept, 0) > 0; }));
    }
  }

  /// Posts a receive; where the port says "post it again" at once (point 8), again.
  void receive(SlotRef slot) {
    ASSERT_TRUE(port().receive(slot));
    const std::size_t before = world().events.size();
    world().collect(std::chrono::nanoseconds{0});
    for (std::size_t at = before; at < world().events.size(); ++at) {
      const Completion completion = world().events[at].completion;
      if (completion.operation != Operation::receive || completion.target != slot.index || completion.error == 0 ||
          outcome(completion) != TransferOutcome::again) {
        continue;
      }
      world().events.erase(world().events.begin() + static_cast<std::ptrdiff_t>(at));
      return receive(slot);
    }
  }
  /// Cancels the receive, if what was received last says that it goes on.
  void end_receive(SlotRef slot) {
    if (!last_of(Operation::receive).more) return;
    const std::size_t before = terminals(Operation::receive, slot.index);
    ASSERT_TRUE(port().cancel_receive(slot));
    ASSERT_TRUE(world().until([&] { return terminals(Operation::receive, slot.index) > before; }));
  }

  static core::AcceptOutcome outcome_of_accept(const Completion& completion) {
    return core::classify_accept(Port::capabilities.platform, completion.error);
  }

  std::vector<typename World::Peer> peers;
  bool accepting_ = false;
  bool multishot_ = Port::capabilities.multishot_accept;

 private:
  World world_;
};

TYPED_TEST_SUITE(Conformance, Worlds, WorldNames);

TYPED_TEST(Conformance, prints_its_capabilities) {
  constexpr engine::Capabilities table = TypeParam::Port::capabilities;
  std::cout << "multishot accept           " << table.multishot_accept << "\nmultishot receive          "
            << table.multishot_receive << "\nsheds at the handle limit  " << table.sheds
            << "\nsees reset before receive  " << table.sees_reset_before_receive << "\nshares a port              "
            << table.shares_port << "\nlends received bytes       " << table.lends << "\nquiet sends                "
            << table.quiet_sends << '\n';
  EXPECT_NE(table.would_block, 0);
}

TYPED_TEST(Conformance, an_accept_completes_with_a_handle_of_its_own_for_each_client) {
  const SlotRef first = this->accepted(1);
  const SlotRef second = this->accepted(2);
  EXPECT_NE(first.handle, second.handle);
  EXPECT_EQ(this->last_of(Operation::accept).target, 0U);
  EXPECT_EQ(this->last_of(Operation::accept).generation, 1U);
  this->close(first);
  this->close(second);
}

TYPED_TEST(Conformance, a_cancelled_accept_has_one_terminal_completion) {
  this->close(this->accepted(1));  // says whether there is multishot
  this->world().events.clear();
  if (!this->accepting_) {
    ASSERT_TRUE(this->port().accept(this->world().listener(), this->multishot_));
  }
  this->accepting_ = false;
  ASSERT_TRUE(this->port().cancel_listener(this->world().listener()));
  ASSERT_TRUE(this->until_terminal(Operation::accept, 0));
  EXPECT_EQ(this->outcome_of_accept(this->last_of(Operation::accept)), core::AcceptOutcome::cancelled);
  this->world().collect(std::chrono::milliseconds{1});
  EXPECT_EQ(this->terminals(Operation::accept, 0), 1U);
}

TYPED_TEST(Conformance, a_receive_gives_the_peers_bytes_in_order_then_the_end_once) {
  const SlotRef slot = this->accepted(3);
  this->receive(slot);
  std::string sent;
  for (int part = 0; part < 200; ++part) {
    const std::string text = "part " + std::to_string(part) + ";";
    this->peers[0].send(text);
    sent += text;
  }
  this->peers[0].end_stream();
  // A receive that is not multishot is posted again after each completion, as the engine does.
  ASSERT_TRUE(this->world().until([&] {
    if (this->terminals(Operation::receive, 3) == 0) return false;
    const Completion last = this->last_of(Operation::receive);
    if (last.bytes == 0) return true;
    EXPECT_TRUE(this->port().receive(slot));
    for (Event& event : this->world().events) event.completion.more = true;
    return false;
  }));
  EXPECT_EQ(this->received(3), sent);
  EXPECT_EQ(this->last_of(Operation::receive).error, 0);
  EXPECT_EQ(this->last_of(Operation::receive).generation, 7U);
  this->close(slot);
}

TYPED_TEST(Conformance, bytes_of_a_completion_stay_until_the_next_wait) {
  const SlotRef slot = this->accepted(3);
  this->receive(slot);
  this->peers[0].send("lent");
  std::span<const Completion> completions;
  for (int waits = 0; waits < 200 && completions.empty(); ++waits)
    completions = this->port().wait(std::chrono::milliseconds{100});
  ASSERT_EQ(completions.size(), 1U);
  this->peers[0].send("later");
  ASSERT_TRUE(this->send(slot, "posted meanwhile"));
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(completions[0].received), completions[0].bytes), "lent");
  if (!completions[0].more) this->receive(slot);
  ASSERT_TRUE(
      this->world().until([&] { return this->received(3) == "later" && this->terminals(Operation::send, 3) == 1; }));
  this->end_receive(slot);
  this->close(slot);
}

TYPED_TEST(Conformance, a_cancelled_receive_has_one_terminal_completion) {
  const SlotRef slot = this->accepted(4);
  this->receive(slot);
  ASSERT_TRUE(this->port().cancel_receive(slot));
  ASSERT_TRUE(this->until_terminal(Operation::receive, 4));
  EXPECT_EQ(this->outcome(this->last_of(Operation::receive)), TransferOutcome::cancelled);
  this->world().collect(std::chrono::milliseconds{1});
  EXPECT_EQ(this->terminals(Operation::receive, 4), 1U);

  // The next receive of the same slot is not hit by anything left of that cancel (catalogue row 23).
  this->receive(slot);
  this->peers[0].send("still here");
  ASSERT_TRUE(this->world().until([&] { return this->received(4) == "still here"; }));
  this->end_receive(slot);
  EXPECT_EQ(this->terminals(Operation::receive, 4), 2U);
  this->close(slot);
}

TYPED_TEST(Conformance, cancelling_what_is_not_in_flight_is_no_error_and_completes_nothing) {
  const SlotRef slot = this->accepted(4);
  EXPECT_TRUE(this->port().cancel_receive(slot));
  EXPECT_TRUE(this->port().cancel_send(slot));
  this->world().collect(std::chrono::milliseconds{1});
  EXPECT_EQ(this->count(Operation::receive) + this->count(Operation::send), 0U);
  this->close(slot);
}

TYPED_TEST(Conformance, a_peers_reset_is_one_terminal_error) {
  const SlotRef slot = this->accepted(5);
  this->receive(slot);
  this->world().collect(std::chrono::milliseconds{1});
  this->peers[0].reset();
  ASSERT_TRUE(this->until_terminal(Operation::receive, 5));
  EXPECT_EQ(this->outcome(this->last_of(Operation::receive)), TransferOutcome::peer_reset);
  this->close(slot);
  EXPECT_EQ(this->terminals(Operation::receive, 5), 1U);
}

TYPED_TEST(Conformance, a_reset_before_the_receive_ends_it_at_once) {
  const SlotRef slot = this->accepted(5);
  this->peers[0].reset();
  this->receive(slot);
  ASSERT_TRUE(this->until_terminal(Operation::receive, 5));
  const Completion end = this->last_of(Operation::receive);
  if (TypeParam::Port::capabilities.sees_reset_before_receive) {
    EXPECT_EQ(this->outcome(end), TransferOutcome::peer_reset);
  } else {
    EXPECT_EQ(end.bytes, 0U);
  }
  this->close(slot);
}

TYPED_TEST(Conformance, a_send_completes_once_with_what_the_peer_receives) {
  const SlotRef slot = this->accepted(6);
  ASSERT_TRUE(this->send(slot, "one message"));
  ASSERT_TRUE(this->until_terminal(Operation::send, 6));
  EXPECT_EQ(this->last_of(Operation::send).bytes, 11U);
  EXPECT_EQ(this->peers[0].receive(11), "one message");
  this->close(slot);
  EXPECT_EQ(this->terminals(Operation::send, 6), 1U);
}

TYPED_TEST(Conformance, received_bytes_can_be_sent_from_where_they_lie) {
  if constexpr (!TypeParam::Port::capabilities.lends) {
    GTEST_SKIP() << "this port does not lend";
  } else {
    const SlotRef slot = this->accepted(6);
    this->receive(slot);
    this->peers[0].send("there and");
    const Completion got = this->lent(slot);
    const std::array buffers{core::Buffer{got.received, got.bytes}, this->buffer(" back")};
    ASSERT_TRUE(this->port().send_lent(slot, buffers, got.buffer));
    ASSERT_TRUE(this->until_terminal(Operation::send, 6));
    EXPECT_EQ(this->last_of(Operation::send).bytes, 14U);
    EXPECT_EQ(this->peers[0].receive(14), "there and back");
    this->end_receive(slot, got);
    this->close(slot);
    EXPECT_EQ(this->terminals(Operation::send, 6), 1U);
  }
}

TYPED_TEST(Conformance, a_send_of_lent_bytes_does_not_wait_for_a_peer_that_does_not_read) {
  if constexpr (!TypeParam::Port::capabilities.lends) {
    GTEST_SKIP() << "this port does not lend";
  } else {
    const SlotRef slot = this->accepted(6);
    this->receive(slot);
    const std::string text(4U << 10, 't');
    Completion got;
    std::size_t sends = 0;
    // Until the system has no room: what it buffers grows.
    for (TransferOutcome ended = TransferOutcome::failed; ended != TransferOutcome::again; ++sends) {
      ASSERT_LT(sends, 20'000U);
      if (sends != 0 && !got.more) this->receive(slot);
      this->peers[0].send(text);
      got = this->lent(slot);
      ASSERT_TRUE(this->port().send_lent(slot, std::array{core::Buffer{got.received, got.bytes}}, got.buffer));
      ASSERT_TRUE(this->world().until([&] { return this->terminals(Operation::send, 6) == sends + 1; })) << "it waits";
      const Completion last = this->last_of(Operation::send);
      ended = this->outcome(last);
      EXPECT_EQ(last.bytes != 0, last.error == 0);
    }
    this->end_receive(slot, got);
    this->close(slot, true);
  }
}

TYPED_TEST(Conformance, a_quiet_send_ends_with_what_ends_the_next_wait) {
  if constexpr (!TypeParam::Port::capabilities.quiet_sends) {
    GTEST_SKIP() << "this port has no quiet sends";
  } else {
    const SlotRef slot = this->accepted(6);
    ASSERT_TRUE(this->port().send_quietly(slot, this->buffer("quiet")));
    this->port().wake();
    ASSERT_TRUE(this->until_terminal(Operation::send, 6));
    EXPECT_EQ(this->last_of(Operation::send).bytes, 5U);
    EXPECT_EQ(this->peers[0].receive(5), "quiet");
    this->close(slot);
    EXPECT_EQ(this->terminals(Operation::send, 6), 1U);
  }
}

TYPED_TEST(Conformance, quiet_sends_say_how_much_had_room) {
  if constexpr (!TypeParam::Port::capabilities.quiet_sends) {
    GTEST_SKIP() << "this port has no quiet sends";
  } else {
    const SlotRef slot = this->accepted(6);
    std::string text(4U << 10, ' ');
    for (std::size_t at = 0; at < text.size(); ++at) text[at] = static_cast<char>('a' + at % 23);
    std::string whole;
    std::size_t sends = 0;
    // Until the system has no room: what it buffers grows.
    for (TransferOutcome ended = TransferOutcome::failed; ended != TransferOutcome::again; ++sends) {
      ASSERT_LT(sends, 20'000U);
      ASSERT_TRUE(this->port().send_quietly(slot, this->buffer(text)));
      this->port().wake();
      ASSERT_TRUE(this->world().until([&] { return this->terminals(Operation::send, 6) == sends + 1; })) << "it waits";
      const Completion last = this->last_of(Operation::send);
      ended = this->outcome(last);
      EXPECT_EQ(last.bytes != 0, last.error == 0);
      whole += text.substr(0, last.bytes);
    }
    EXPECT_EQ(this->peers[0].receive(whole.size()), whole);
    this->close(slot);
  }
}

TYPED_TEST(Conformance, a_quiet_send_that_fails_ends_the_wait) {
  if constexpr (!TypeParam::Port::capabilities.quiet_sends) {
    GTEST_SKIP() << "this port has no quiet sends";
  } else {
    const SlotRef slot = this->accepted(6);
    this->port().end_stream(slot);
    ASSERT_TRUE(this->port().send_quietly(slot, this->buffer("too late")));
    ASSERT_TRUE(this->until_terminal(Operation::send, 6));
    EXPECT_NE(this->last_of(Operation::send).error, 0);
    this->close(slot, true);
  }
}

TYPED_TEST(Conformance, a_gathered_send_keeps_the_order_of_its_64_buffers) {
  const SlotRef slot = this->accepted(6);
  std::array<std::string, 64> texts;
  std::array<core::Buffer, 64> buffers;
  std::string whole;
  for (std::size_t at = 0; at < texts.size(); ++at) {
    texts[at] = "buffer " + std::to_string(at) + " ";
    buffers[at] = this->buffer(texts[at]);
    whole += texts[at];
  }
  std::span<core::Buffer> rest{buffers};
  ASSERT_TRUE(this->port().send(slot, rest));
  buffers.fill({nullptr, 0});  // the array itself may go at once
  ASSERT_TRUE(this->until_terminal(Operation::send, 6));
  EXPECT_EQ(this->last_of(Operation::send).bytes, whole.size());
  EXPECT_EQ(this->peers[0].receive(whole.size()), whole);
  this->close(slot);
}

TYPED_TEST(Conformance, a_send_that_the_peer_does_not_read_can_be_cancelled) {
  const SlotRef slot = this->accepted(6);
  const std::string much(64U << 20, 'm');
  std::size_t completed = 0;
  std::size_t rounds = 0;
  // Sends until one stays in flight, since what the system buffers grows.
  while (this->terminals(Operation::send, 6) == completed && rounds++ < 100) {
    ASSERT_TRUE(this->send(slot, much));
    for (int waits = 0; waits < 5 && this->terminals(Operation::send, 6) == completed; ++waits)
      this->world().collect(std::chrono::milliseconds{20});
    if (this->terminals(Operation::send, 6) == completed) break;
    ++completed;
  }
  ASSERT_LT(rounds, 100U);
  ASSERT_TRUE(this->port().cancel_send(slot));
  ASSERT_TRUE(this->world().until([&] { return this->terminals(Operation::send, 6) == completed + 1; }));
  const Completion last = this->last_of(Operation::send);
  EXPECT_TRUE(last.bytes > 0 || this->outcome(last) == TransferOutcome::cancelled) << last.error;
  this->close(slot, true);
}

TYPED_TEST(Conformance, a_send_to_a_peer_that_reset_is_one_error_and_no_signal) {
  const SlotRef slot = this->accepted(6);
  this->peers[0].reset();
  // The first may still go out; one of the first few must fail.
  for (std::size_t sends = 1; sends < 100; ++sends) {
    ASSERT_TRUE(this->send(slot, "into the void"));
    ASSERT_TRUE(this->world().until([&] { return this->terminals(Operation::send, 6) == sends; }));
    if (this->last_of(Operation::send).error != 0) break;
  }
  EXPECT_EQ(this->outcome(this->last_of(Operation::send)), TransferOutcome::peer_reset);
  this->close(slot);
}

TYPED_TEST(Conformance, receive_and_send_of_one_slot_run_at_once) {
  const SlotRef slot = this->accepted(8);
  this->receive(slot);
  ASSERT_TRUE(this->send(slot, "out"));
  this->peers[0].send("in");
  ASSERT_TRUE(
      this->world().until([&] { return this->terminals(Operation::send, 8) == 1 && this->received(8) == "in"; }));
  EXPECT_EQ(this->peers[0].receive(3), "out");
  this->end_receive(slot);
  this->close(slot);
}

TYPED_TEST(Conformance, end_of_stream_reaches_the_peer_and_receiving_goes_on) {
  const SlotRef slot = this->accepted(9);
  this->receive(slot);
  this->port().end_stream(slot);
  EXPECT_EQ(this->peers[0].end(), 0);
  this->peers[0].send("after your end");
  ASSERT_TRUE(this->world().until([&] { return this->received(9) == "after your end"; }));
  this->end_receive(slot);
  this->close(slot);
}

TYPED_TEST(Conformance, close_ends_the_stream_and_reset_resets_it) {
  const SlotRef ended = this->accepted(10);
  const SlotRef reset = this->accepted(11);
  this->close(ended);
  EXPECT_EQ(this->peers[0].end(), 0);
  this->close(reset, true);
  this->expect_reset(this->peers[1]);
  EXPECT_EQ(this->terminals(Operation::close, 10), 1U);
  EXPECT_EQ(this->last_of(Operation::close).generation, 7U);
}

TYPED_TEST(Conformance, a_poll_of_the_listener_completes_when_a_client_knocks_and_not_before) {
  if (!TypeParam::Port::capabilities.sheds) GTEST_SKIP() << "polls are for shedding, which this system does not";
  ASSERT_TRUE(this->port().poll_listener(this->world().listener()));
  this->world().collect(std::chrono::milliseconds{5});
  EXPECT_EQ(this->count(Operation::poll_listener), 0U);
  auto peer = this->world().connect();
  ASSERT_TRUE(this->until_terminal(Operation::poll_listener, 0));
}

TYPED_TEST(Conformance, accept_now_accepts_who_waits_and_does_not_wait_itself) {
  auto peer = this->world().connect();
  int error = 0;
  NativeHandle handle = no_handle;
  ASSERT_TRUE(this->world().until(
      [&] { return (handle = this->port().accept_now(this->world().listener(), error)) != no_handle; }));
  EXPECT_EQ(this->port().accept_now(this->world().listener(), error), no_handle);
  EXPECT_EQ(error, TypeParam::Port::capabilities.would_block);
  this->port().close_now(handle, true);
  this->expect_reset(peer);
}

TYPED_TEST(Conformance, shedding_refuses_one_client_or_says_that_nobody_waits) {
  if (!TypeParam::Port::capabilities.sheds) GTEST_SKIP() << "this system has no handle limit to shed at";
  EXPECT_EQ(this->port().shed(this->world().listener()), engine::Shed::nobody);
  auto peer = this->world().connect();
  EXPECT_EQ(this->port().shed(this->world().listener()), engine::Shed::refused);
  EXPECT_EQ(peer.end(), 0);
  EXPECT_EQ(this->port().shed(this->world().listener()), engine::Shed::nobody);
}

TYPED_TEST(Conformance, a_wake_ends_a_wait_from_any_thread_and_is_never_lost) {
  this->port().wake();  // before the wait
  this->port().wait(std::nullopt);
  for (int round = 0; round < 1000; ++round) {
    auto waker = TypeParam::elsewhere([&] { this->port().wake(); });
    this->port().wait(std::nullopt);
    waker.join();
  }
}

TYPED_TEST(Conformance, a_wait_without_completions_ends_at_its_time_and_time_is_monotonic) {
  const TimePoint before = this->port().now();
  std::size_t completed = 0;
  while (this->port().now() < before + std::chrono::milliseconds{20})
    completed += this->world().collect(std::chrono::milliseconds{5});
  EXPECT_EQ(completed, 0U);
  EXPECT_EQ(this->world().collect(std::chrono::nanoseconds{0}), 0U);
  EXPECT_EQ(this->port().wait_error(), 0);
}

TYPED_TEST(Conformance, posting_more_than_the_queue_holds_loses_nothing) {
  const SlotRef slot = this->accepted(12);
  this->receive(slot);
  for (int posts = 0; posts < 20'000; ++posts) {
    if (!this->port().cancel_send(slot)) this->world().collect(std::chrono::nanoseconds{0});
  }
  this->peers[0].send("through");
  ASSERT_TRUE(this->world().until([&] { return this->received(12) == "through"; }));
  this->end_receive(slot);
  this->close(slot);
}

/// A ring far too small for what arrives: receives find no buffer, and are posted again.
template <class World>
class SmallRing : public World {
 public:
  SmallRing() : World{64U << 10, 64U << 10} {}
};

template <class World>
class ConformanceWithSmallRing : public Conformance<SmallRing<World>> {};
TYPED_TEST_SUITE(ConformanceWithSmallRing, Worlds, WorldNames);

TYPED_TEST(ConformanceWithSmallRing, an_empty_ring_is_said_as_post_again_and_no_byte_is_lost) {
  constexpr std::uint32_t connections = 32;
  std::vector<SlotRef> slots;
  for (std::uint32_t index = 0; index < connections; ++index) slots.push_back(this->accepted(index));
  const std::string text(16U << 10, 't');
  for (std::uint32_t index = 0; index < connections; ++index) {
    this->peers[index].send(text);
    this->peers[index].end_stream();
    ASSERT_TRUE(this->port().receive(slots[index]));
  }
  std::vector<bool> ended(connections, false);
  std::size_t handled = 0;
  const bool all_ended = this->world().until([&] {
    for (; handled < this->world().events.size(); ++handled) {
      const Completion& completion = this->world().events[handled].completion;
      if (completion.operation != Operation::receive || completion.more) continue;
      ended[completion.target] = completion.error == 0 && completion.bytes == 0;
      if (ended[completion.target]) continue;
      EXPECT_TRUE(completion.error == 0 || this->outcome(completion) == TransferOutcome::again) << completion.error;
      EXPECT_TRUE(this->port().receive(slots[completion.target]));
    }
    return std::ranges::all_of(ended, std::identity{});
  });
  ASSERT_TRUE(all_ended);
  for (std::uint32_t index = 0; index < connections; ++index) {
    EXPECT_EQ(this->received(index), text) << index;
    this->close(slots[index]);
  }
}

}  // namespace
}  // namespace iocpp::tests

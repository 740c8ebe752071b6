// The beginning and the end of a connection, its identity, and what belongs to it.
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>

#include "core/allocations.hpp"
#include "core/recorder.hpp"
#include "core/shard.hpp"
#include "iocpp/error.hpp"

namespace iocpp::core {
namespace {

using Log = Recorder::Log;

TEST(Connecting, a_client_is_told_first_and_received_from) {
  Recorder handler;
  Shard shard{handler};
  const Connection connection = shard.connect();
  EXPECT_EQ(handler.log(connection), Log{"connect"});
  EXPECT_TRUE(connection.is_open());
  EXPECT_TRUE(shard.wire(connection).receiving);
  EXPECT_EQ(shard.core().connections(), 1U);
  EXPECT_EQ(shard.core().counters().accepted.get(), 1U);
  EXPECT_EQ(shard.core().counters().connections_open.get(), 1U);
}

TEST(Connecting, on_disconnect_comes_last_and_once) {
  Recorder handler;
  Shard shard{handler};
  const Connection connection = shard.connect();
  connection.abort();
  connection.abort();
  connection.close();
  shard.turn();
  EXPECT_FALSE(handler.ended(connection)) << "a receive is still in flight";
  shard.run_out();
  EXPECT_EQ(handler.log(connection), (Log{"connect", "disconnect local_abort"}));
  EXPECT_EQ(shard.core().connections(), 0U);
  EXPECT_EQ(shard.core().counters().connections_open.get(), 0U);
  EXPECT_EQ(shard.ended(DisconnectReason::local_abort), 1U);
}

TEST(Connecting, bytes_sent_in_on_connect_leave_in_the_same_turn) {
  Recorder handler;
  handler.connecting = [](Connection connection) { connection.send("hello"); };
  Shard shard{handler};
  const Connection connection = shard.connect();
  EXPECT_EQ(shard.wire(connection).in_flight_bytes, "hello");
}

TEST(Connecting, the_limit_refuses_and_its_places_come_back_when_handles_are_closed) {
  Recorder handler;
  Shard shard{handler, {}, 2};
  const Connection one = shard.connect();
  const Connection other = shard.connect();
  EXPECT_FALSE(shard.try_connect());
  EXPECT_EQ(handler.connections(), 2U);
  EXPECT_EQ(shard.core().counters().accepted.get(), 2U);
  one.abort();
  shard.turn();
  shard.cancels_end();
  EXPECT_TRUE(handler.ended(one));
  EXPECT_FALSE(shard.try_connect()) << "its handle is not closed yet";
  shard.closes_end();
  const Connection third = shard.connect();
  EXPECT_FALSE(shard.try_connect());
  EXPECT_TRUE(third.is_open());
  EXPECT_TRUE(other.is_open());
}

TEST(Connecting, without_memory_for_a_slot_a_client_is_refused_and_the_limit_is_whole) {
  Recorder handler;
  Shard shard{handler, {}, 1};
  {
    const AllocationsFail fail;
    EXPECT_FALSE(shard.try_adopt(77));
  }
  EXPECT_EQ(shard.core().connections(), 0U);
  EXPECT_EQ(handler.connections(), 0U);
  EXPECT_TRUE(shard.connect().is_open());
}

TEST(Connecting, an_idle_connection_costs_no_allocation) {
  Handler silent;
  Shard shard{silent, {}, 100'000};
  static_cast<void>(shard.connect());
  const std::uint64_t before = allocations();
  // The first chunk of slots is there: the rest of it costs nothing.
  for (NativeHandle handle = 1; handle < 200; ++handle) ASSERT_TRUE(shard.try_adopt(handle));
  EXPECT_EQ(allocations(), before);
}

TEST(Connecting, an_id_is_not_used_again_though_its_slot_is) {
  Recorder handler;
  Shard shard{handler};
  std::set<std::uint64_t> ids;
  std::set<std::uint32_t> slots;
  for (int visitor = 0; visitor < 50; ++visitor) {
    const Connection connection = shard.connect();
    ids.insert(connection.id().value());
    slots.insert(connection.id().slot());
    connection.abort();
    shard.turn();
    shard.run_out();
  }
  EXPECT_EQ(ids.size(), 50U);
  EXPECT_EQ(slots.size(), 1U);
}

/// Everything that a handle can do, on one that must answer "closed".
void expect_closed(Connection connection, const char* which) {
  SCOPED_TRACE(which);
  EXPECT_FALSE(connection.is_open());
  EXPECT_TRUE(connection.send("x").closed);
  EXPECT_TRUE(connection.send(std::vector<std::byte>(3)).closed);
  EXPECT_TRUE(connection.send(std::make_shared<const std::vector<std::byte>>(3)).closed);
  EXPECT_TRUE(connection.send(SharedBytes{}).closed);
  EXPECT_FALSE(connection.send("x"));
  EXPECT_EQ(connection.native_handle(), -1);
  Address address;
  EXPECT_TRUE(connection.peer_address(address) == errc::closed);
  connection.shutdown_send();
  connection.close();
  connection.abort();
  connection.pause_receive();
  connection.resume_receive();
  try {
    connection.emplace_context<int>(1);
    ADD_FAILURE() << "a context for a connection that has ended";
  } catch (const std::system_error& error) {
    EXPECT_TRUE(error.code() == errc::closed);
  }
}

TEST(Connecting, a_handle_of_a_connection_that_is_gone_answers_closed) {
  Recorder handler;
  Shard shard{handler};
  const Connection gone = shard.connect();
  gone.abort();
  shard.turn();
  shard.run_out();
  expect_closed(gone, "its slot is free");
  EXPECT_EQ(gone.context<int>(), nullptr);
  EXPECT_EQ(gone.send_queue_bytes(), 0U);
  const Connection successor = shard.connect();
  ASSERT_EQ(successor.id().slot(), gone.id().slot());
  expect_closed(gone, "its slot has a successor");
  EXPECT_TRUE(successor.is_open());
  EXPECT_FALSE(shard.core().anything_dirty());
  EXPECT_EQ(handler.log(successor), Log{"connect"});
}

TEST(Connecting, a_handle_answers_closed_as_soon_as_the_connection_was_aborted_and_in_on_disconnect) {
  Recorder handler;
  unsigned asked = 0;
  handler.disconnecting = [&](Connection connection, const Disconnect&) {
    ++asked;
    expect_closed(connection, "in on_disconnect");
  };
  Shard shard{handler};
  const Connection connection = shard.connect();
  connection.abort();
  expect_closed(connection, "after abort");
  shard.turn();
  shard.cancels_end();
  EXPECT_EQ(asked, 1U);
  // The system may have given the number to somebody else by now, though we have not heard yet that our close is done.
  EXPECT_TRUE(shard.wire(connection).closing);
  expect_closed(connection, "while the handle is being closed");
}

TEST(Connecting, made_up_ids_answer_closed) {
  Recorder handler;
  Shard shard{handler};
  const Connection real = shard.connect();
  const ConnectionId id = real.id();
  expect_closed(shard.core().connection(ConnectionId{}), "no id");
  expect_closed(shard.core().connection(ConnectionId{1, id.slot(), id.generation()}), "another shard's");
  expect_closed(shard.core().connection(ConnectionId{0, id.slot() + 1, id.generation()}), "another slot's");
  expect_closed(shard.core().connection(ConnectionId{0, 0xffffff, id.generation()}), "the last slot's");
  expect_closed(shard.core().connection(ConnectionId{0, id.slot(), id.generation() + 1}), "a future one");
  expect_closed(shard.core().connection(ConnectionId{0, id.slot(), 0}), "generation zero");
  EXPECT_TRUE(real.is_open());
}

TEST(Connecting, a_connection_that_was_never_one_is_harmless) {
  const Connection nobody;
  EXPECT_FALSE(nobody.id());
  expect_closed(nobody, "default-constructed");
  EXPECT_EQ(nobody.context<int>(), nullptr);
  EXPECT_EQ(nobody.send_queue_bytes(), 0U);
}

TEST(Connecting, tells_the_systems_handle_and_the_peers_address) {
  Recorder handler;
  Shard shard{handler};
  const Connection connection = shard.connect();
  EXPECT_EQ(connection.native_handle(), 1000);
  Address address;
  EXPECT_FALSE(connection.peer_address(address));
  EXPECT_EQ(address.port, 1000);
}

TEST(Connecting, a_failed_question_for_the_address_is_the_systems_error) {
  Recorder handler;
  CoreConfig config;
  config.peer_name = [](NativeHandle, Address&) noexcept { return tests::native::not_connected; };
  Shard shard{handler, config};
  Address address;
  const std::error_code error = shard.connect().peer_address(address);
  EXPECT_TRUE(error == errc::not_connected);
  EXPECT_EQ(error.value(), tests::native::not_connected);
}

TEST(Connecting, stale_completions_are_absorbed_and_counted) {
  Recorder handler;
  Shard shard{handler};
  const Connection gone = shard.connect();
  gone.abort();
  shard.turn();
  shard.run_out();
  const Connection successor = shard.connect();
  ASSERT_EQ(successor.id().slot(), gone.id().slot());
  for (const Operation operation : {Operation::receive, Operation::send, Operation::close}) {
    shard.stale(operation, gone);
    shard.stale(operation, shard.core().connection(ConnectionId{0, 0xfffff0, 1}));
  }
  EXPECT_EQ(shard.core().counters().stale_completions.get(), 6U);
  EXPECT_TRUE(successor.is_open());
  EXPECT_TRUE(shard.wire(successor).receiving);
  EXPECT_EQ(handler.log(successor), Log{"connect"});
}

TEST(Connecting, each_reason_has_the_name_of_its_enumerator) {
  EXPECT_EQ(to_string(DisconnectReason::peer_closed), "peer_closed");
  EXPECT_EQ(to_string(DisconnectReason::local_close), "local_close");
  EXPECT_EQ(to_string(DisconnectReason::drain_deadline), "drain_deadline");
  EXPECT_EQ(to_string(DisconnectReason::handler_threw), "handler_threw");
  EXPECT_EQ(to_string(DisconnectReason::stage_failed), "stage_failed");
}

/// Counts itself, and looks at its connection when it goes.
struct Context {
  explicit Context(int& number_alive, int mark = 0) : alive{number_alive}, number{mark} { ++alive; }
  ~Context() { --alive; }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  int& alive;
  int number;
};

TEST(Context, lives_until_on_disconnect_has_returned) {
  Recorder handler;
  int alive = 0;
  handler.connecting = [&](Connection connection) { connection.emplace_context<Context>(alive, 7); };
  handler.disconnecting = [&](Connection connection, const Disconnect&) {
    ASSERT_NE(connection.context<Context>(), nullptr);
    EXPECT_EQ(connection.context<Context>()->number, 7);
    EXPECT_EQ(alive, 1);
  };
  Shard shard{handler};
  const Connection connection = shard.connect();
  EXPECT_EQ(connection.context<Context>()->number, 7);
  connection.abort();
  shard.turn();
  EXPECT_EQ(alive, 1);
  shard.cancels_end();
  EXPECT_TRUE(handler.ended(connection));
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(connection.context<Context>(), nullptr);
  shard.run_out();
  EXPECT_EQ(alive, 0);
}

TEST(Context, is_found_by_its_own_type_only) {
  Recorder handler;
  Shard shard{handler};
  const Connection connection = shard.connect();
  EXPECT_EQ(connection.context<int>(), nullptr);
  connection.emplace_context<int>(5);
  EXPECT_EQ(*connection.context<int>(), 5);
  EXPECT_EQ(connection.context<unsigned>(), nullptr);
  EXPECT_EQ(connection.context<std::string>(), nullptr);
}

TEST(Context, a_new_one_takes_the_place_of_the_old) {
  Recorder handler;
  int old_alive = 0;
  int new_alive = 0;
  Shard shard{handler};
  const Connection connection = shard.connect();
  connection.emplace_context<Context>(old_alive);
  connection.emplace_context<Context>(new_alive, 2);
  EXPECT_EQ(old_alive, 0);
  EXPECT_EQ(new_alive, 1);
  EXPECT_EQ(connection.context<Context>()->number, 2);
  connection.emplace_context<std::string>("three");
  EXPECT_EQ(new_alive, 0);
  EXPECT_EQ(*connection.context<std::string>(), "three");
}

TEST(Context, of_one_connection_is_not_anothers) {
  Recorder handler;
  int alive = 0;
  Shard shard{handler};
  const Connection one = shard.connect();
  const Connection other = shard.connect();
  one.emplace_context<Context>(alive, 1);
  EXPECT_EQ(other.context<Context>(), nullptr);
  other.emplace_context<Context>(alive, 2);
  one.abort();
  shard.turn();
  shard.run_out();
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(other.context<Context>()->number, 2);
}

TEST(Context, whose_constructor_throws_leaves_the_old_one) {
  struct Throws {
    Throws() { throw std::runtime_error{"no"}; }
  };
  Recorder handler;
  Shard shard{handler};
  const Connection connection = shard.connect();
  connection.emplace_context<int>(5);
  EXPECT_THROW(connection.emplace_context<Throws>(), std::runtime_error);
  EXPECT_EQ(*connection.context<int>(), 5);
}

TEST(Context, for_a_connection_that_has_ended_is_destroyed_at_once) {
  Recorder handler;
  int alive = 0;
  Shard shard{handler};
  const Connection connection = shard.connect();
  connection.abort();
  EXPECT_THROW(connection.emplace_context<Context>(alive), std::system_error);
  EXPECT_EQ(alive, 0);
}

TEST(Context, may_use_its_connection_while_it_is_destroyed) {
  struct Curious {
    explicit Curious(Connection its) : connection{its} {}
    ~Curious() {
      EXPECT_EQ(connection.context<Curious>(), nullptr);
      EXPECT_FALSE(connection.send("x").queued);
    }
    Connection connection;
  };
  Recorder handler;
  handler.connecting = [](Connection connection) { connection.emplace_context<Curious>(connection); };
  Shard shard{handler};
  const Connection connection = shard.connect();
  connection.abort();
  shard.turn();
  shard.run_out();
  EXPECT_TRUE(handler.ended(connection));
}

}  // namespace
}  // namespace iocpp::core

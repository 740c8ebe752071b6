// A drain: who was idle, who finished, who was cut, and what was lost.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/recorder.hpp"
#include "core/shard.hpp"

namespace iocpp::core {
namespace {

using Log = Recorder::Log;

class Draining : public testing::Test {
 protected:
  Recorder handler_;
  Shard shard_{handler_};

  void begin() {
    shard_.core().begin_drain();
    shard_.turn();
  }
  /// The deadline is over.
  void cut() {
    shard_.core().cut_drain();
    shard_.turn();
    shard_.run_out();
  }
  void expect(std::uint64_t idle_closed, std::uint64_t finished, std::uint64_t were_cut, std::uint64_t bytes_lost) {
    const DrainReport& report = shard_.core().drain().report();
    EXPECT_EQ(report.idle_closed, idle_closed);
    EXPECT_EQ(report.finished, finished);
    EXPECT_EQ(report.cut, were_cut);
    EXPECT_EQ(report.bytes_lost, bytes_lost);
  }
};

TEST_F(Draining, an_idle_connection_is_closed_in_order) {
  const Connection idle = shard_.connect();
  begin();
  EXPECT_TRUE(shard_.wire(idle).stream_ended);
  shard_.peer_ends(idle);
  shard_.run_out();
  EXPECT_EQ(handler_.log(idle), (Log{"connect", "disconnect local_close"}));
  expect(1, 0, 0, 0);
}

TEST_F(Draining, a_connection_with_bytes_to_send_sends_them_first) {
  const Connection busy = shard_.connect();
  busy.send("answer");
  begin();
  EXPECT_FALSE(shard_.wire(busy).stream_ended);
  shard_.sent_all(busy);
  shard_.peer_ends(busy);
  shard_.run_out();
  EXPECT_EQ(shard_.wire(busy).sent, "answer");
  expect(0, 1, 0, 0);
}

TEST_F(Draining, what_is_left_at_the_deadline_is_reset_and_its_bytes_are_counted) {
  const Connection stuck = shard_.connect();
  stuck.send(std::string(100, 'x'));
  begin();
  shard_.sent(stuck, 30);
  cut();
  EXPECT_EQ(handler_.end(stuck).reason, DisconnectReason::drain_deadline);
  EXPECT_EQ(handler_.end(stuck).unsent_bytes, 70U);
  EXPECT_TRUE(shard_.wire(stuck).reset);
  expect(0, 0, 1, 70);
}

TEST_F(Draining, a_connection_that_awaits_the_peers_end_is_cut_too) {
  const Connection idle = shard_.connect();
  begin();
  cut();
  EXPECT_TRUE(handler_.ended(idle));
  EXPECT_TRUE(shard_.wire(idle).reset);
  expect(0, 0, 1, 0);
}

TEST_F(Draining, a_paused_connection_is_no_obstacle) {
  const Connection paused = shard_.connect();
  paused.pause_receive();
  shard_.turn();
  shard_.arrives(paused, "never read");
  shard_.cancels_end();
  begin();
  shard_.peer_ends(paused);
  shard_.run_out();
  expect(1, 0, 0, 0);
}

TEST_F(Draining, a_connection_that_was_being_closed_already_counts_as_finished) {
  const Connection closing = shard_.connect();
  closing.send("bye");
  closing.close();
  shard_.turn();
  begin();
  shard_.sent_all(closing);
  shard_.peer_ends(closing);
  shard_.run_out();
  expect(0, 1, 0, 0);
}

TEST_F(Draining, each_connection_is_counted_once) {
  std::vector<Connection> connections;
  for (int count = 0; count < 9; ++count) connections.push_back(shard_.connect());
  for (std::size_t at = 3; at < 9; ++at) connections[at].send("x");
  begin();
  for (std::size_t at = 3; at < 6; ++at) shard_.sent_all(connections[at]);
  for (std::size_t at = 0; at < 6; ++at) shard_.peer_ends(connections[at]);
  shard_.run_out();
  cut();
  cut();
  expect(3, 3, 3, 3);
}

TEST_F(Draining, a_connection_that_ended_before_the_drain_is_not_counted) {
  const Connection early = shard_.connect();
  early.send("lost before");
  early.abort();
  shard_.turn();
  shard_.run_out();
  begin();
  expect(0, 0, 0, 0);
}

TEST_F(Draining, a_client_that_comes_during_the_drain_is_told_and_closed) {
  handler_.connecting = [](Connection connection) { connection.send("going out of business"); };
  begin();
  const Connection late = shard_.connect();
  EXPECT_FALSE(late.is_open());
  shard_.sent_all(late);
  shard_.peer_ends(late);
  shard_.run_out();
  EXPECT_EQ(handler_.log(late).front(), "connect");
  EXPECT_EQ(handler_.log(late).back(), "disconnect local_close");
  expect(0, 1, 0, 0);
}

TEST_F(Draining, a_client_that_the_handler_itself_closes_during_the_drain_is_counted) {
  // Only those that were still open after on_connect were enrolled.
  handler_.connecting = [](Connection connection) { connection.close(); };
  begin();
  const Connection late = shard_.connect();
  shard_.peer_ends(late);
  shard_.run_out();
  const DrainReport& report = shard_.core().drain().report();
  EXPECT_EQ(report.idle_closed + report.finished, 1U);
}

TEST_F(Draining, a_client_that_comes_after_the_deadline_is_cut_at_once) {
  begin();
  cut();
  const Connection late = shard_.connect();
  shard_.run_out();
  EXPECT_EQ(handler_.log(late), (Log{"connect", "disconnect drain_deadline"}));
  expect(0, 0, 1, 0);
}

TEST_F(Draining, a_client_that_comes_after_the_deadline_is_cut_though_the_handler_closes_it) {
  // Closed in order by on_connect it was let be, and held the server up for the whole linger time past its deadline.
  handler_.connecting = [](Connection connection) { connection.close(); };
  begin();
  cut();
  const Connection late = shard_.connect();
  shard_.run_out();
  EXPECT_TRUE(handler_.ended(late));
  EXPECT_TRUE(shard_.wire(late).closed);
  expect(0, 0, 1, 0);
}

TEST_F(Draining, bytes_lost_with_connections_that_end_otherwise_are_counted_too) {
  const Connection reset = shard_.connect();
  reset.send("0123456789");
  begin();
  shard_.send_fails(reset, econnreset, 4);
  shard_.run_out();
  EXPECT_EQ(handler_.end(reset).reason, DisconnectReason::peer_reset);
  // Counted as finished once, though bytes were lost.
  expect(0, 0, 0, 6);
  EXPECT_EQ(shard_.core().drain().report().failed, 1U);
}

TEST_F(Draining, a_connection_that_a_limit_of_closing_resets_did_not_end_in_order) {
  const Connection idle = shard_.connect();
  begin();
  shard_.arrives(idle, std::string((1U << 20) + 1, 'i'));  // linger_bytes_max
  shard_.run_out();
  EXPECT_TRUE(shard_.wire(idle).reset);
  expect(0, 0, 0, 0);
  EXPECT_EQ(shard_.core().drain().report().failed, 1U);
}

}  // namespace
}  // namespace iocpp::core

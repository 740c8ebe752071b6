// What a callback may do: anything to its own connection and to others, and throw. Each in each callback.
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <tuple>

#include "core/recorder.hpp"
#include "core/shard.hpp"

namespace iocpp::core {
namespace {

enum class Where { connect, receive, sent, writable, peer_shutdown, disconnect };
enum class What {
  throws,
  throws_no_exception,
  closes_itself,
  aborts_itself,
  closes_other,
  aborts_other,
  sends,
  pauses
};

/// One connection that is led through every callback, another that is there to be meddled with, and a handler that does
/// one thing in one place, once.
class Play {
 public:
  Play(Where where, std::function<void(Connection self, Connection other)> act) : act_{std::move(act)} {
    other_ = shard_.connect();
    const auto on_cue = [this](Connection connection) {
      if (connection.id() == other_.id() || acted_) return;
      acted_ = true;
      act_(connection, other_);
    };
    if (where == Where::connect) handler_.connecting = on_cue;
    if (where == Where::receive)
      handler_.receiving = [=](Connection connection, std::string_view) { on_cue(connection); };
    if (where == Where::sent) handler_.sending = [=](Connection connection, std::size_t) { on_cue(connection); };
    if (where == Where::writable) handler_.writable = on_cue;
    if (where == Where::peer_shutdown) handler_.peer_ending = on_cue;
    if (where == Where::disconnect) {
      handler_.disconnecting = [=](Connection connection, const Disconnect&) { on_cue(connection); };
    }
  }

  /// Accepted, received from, sent to beyond the high watermark, ended by the peer, closed.
  void run() {
    self_ = shard_.connect();
    if (self_.is_open() && wire().receiving) shard_.arrives(self_, "hello");
    if (self_.send(std::string(500, 'x')).queued) shard_.turn();
    if (wire().sending && !wire().send_cancelled) shard_.sent_all(self_);
    shard_.run_out();
    self_.resume_receive();
    shard_.turn();
    if (wire().receiving) shard_.peer_ends(self_);
    self_.close();
    shard_.turn();
    shard_.run_out();
    if (wire().sending) shard_.sent_all(self_);
    shard_.pass(std::chrono::seconds{6});
    shard_.run_out();
  }

  Recorder& handler() { return handler_; }
  Shard& shard() { return shard_; }
  Connection self() const { return self_; }
  Connection other() const { return other_; }
  bool acted() const { return acted_; }

 private:
  Wire& wire() { return shard_.wire(self_); }

  std::function<void(Connection, Connection)> act_;
  Recorder handler_;
  Shard shard_{handler_, {.send_queue_bytes_high = 100, .send_queue_bytes_low = 10}};
  Connection self_;
  Connection other_;
  bool acted_ = false;
};

void act(What what, Connection self, Connection other) {
  switch (what) {
    case What::throws:
      throw std::runtime_error{"a handler's mistake"};
    case What::throws_no_exception:
      throw 1;
    case What::closes_itself:
      return self.close();
    case What::aborts_itself:
      return self.abort();
    case What::closes_other:
      return other.close();
    case What::aborts_other:
      return other.abort();
    case What::sends:
      self.send("to itself");
      other.send("to the other");
      return;
    case What::pauses:
      self.pause_receive();
      other.pause_receive();
      return;
  }
}

class EachCallback : public testing::TestWithParam<std::tuple<Where, What>> {
 protected:
  Where where() const { return std::get<0>(GetParam()); }
  What what() const { return std::get<1>(GetParam()); }
  bool throws() const { return what() == What::throws || what() == What::throws_no_exception; }
  bool ends_other() const { return what() == What::closes_other || what() == What::aborts_other; }
};

TEST_P(EachCallback, may_do_it) {
  Play play{where(), [this](Connection self, Connection other) { act(what(), self, other); }};
  play.run();
  ASSERT_TRUE(play.acted()) << "the callback was never called";
  EXPECT_TRUE(play.handler().ended(play.self()));
  EXPECT_EQ(play.other().is_open(), !ends_other());
  EXPECT_EQ(play.shard().core().counters().handler_exceptions.get(), throws() ? 1U : 0U);
  const DisconnectReason reason = play.handler().end(play.self()).reason;
  if (throws() && where() != Where::disconnect) {
    EXPECT_EQ(reason, DisconnectReason::handler_threw);
  } else if (what() == What::aborts_itself && where() != Where::disconnect) {
    EXPECT_EQ(reason, DisconnectReason::local_abort);
  } else {
    EXPECT_TRUE(reason == DisconnectReason::peer_closed || reason == DisconnectReason::local_close);
  }
}

TEST_P(EachCallback, leaves_the_other_connection_in_order) {
  Play play{where(), [this](Connection self, Connection other) { act(what(), self, other); }};
  play.run();
  const Connection other = play.other();
  Shard& shard = play.shard();
  if (!ends_other()) {
    other.resume_receive();
    shard.turn();
    shard.run_out();
    shard.arrives(other, "still here");
    EXPECT_EQ(play.handler().received(other), "still here");
    other.send("!");
    shard.turn();
    shard.sent_all(other);
    EXPECT_EQ(shard.wire(other).sent.back(), '!');
    shard.peer_ends(other);
    other.close();
    shard.turn();
  }
  shard.pass(std::chrono::seconds{6});
  shard.run_out();
  EXPECT_TRUE(play.handler().ended(other));
  EXPECT_EQ(shard.core().connections(), 0U);
}

std::string name_of(const testing::TestParamInfo<std::tuple<Where, What>>& play) {
  constexpr const char* places[] = {"connect", "receive", "sent", "writable", "peer_shutdown", "disconnect"};
  constexpr const char* acts[] = {"throws",       "throws_no_exception", "closes_itself", "aborts_itself",
                                  "closes_other", "aborts_other",        "sends",         "pauses"};
  return std::string{places[static_cast<std::size_t>(std::get<0>(play.param))]} + "_" +
         acts[static_cast<std::size_t>(std::get<1>(play.param))];
}

INSTANTIATE_TEST_SUITE_P(Callbacks, EachCallback,
                         testing::Combine(testing::Values(Where::connect, Where::receive, Where::sent, Where::writable,
                                                          Where::peer_shutdown, Where::disconnect),
                                          testing::Values(What::throws, What::throws_no_exception, What::closes_itself,
                                                          What::aborts_itself, What::closes_other, What::aborts_other,
                                                          What::sends, What::pauses)),
                         name_of);

TEST(Callbacks, a_handler_that_closes_and_then_throws_has_thrown) {
  // Nothing was queued, so the close counted as finished, and its reason hid the exception.
  Recorder handler;
  handler.receiving = [](Connection connection, std::string_view) {
    connection.close();
    throw std::runtime_error{"after the close"};
  };
  Shard shard{handler};
  const Connection connection = shard.connect();
  shard.arrives(connection, "x");
  shard.run_out();
  EXPECT_EQ(handler.end(connection).reason, DisconnectReason::handler_threw);
  EXPECT_TRUE(shard.wire(connection).reset);
}

TEST(Callbacks, after_a_throw_nothing_more_of_the_same_turn_is_delivered) {
  Recorder handler;
  handler.receiving = [](Connection, std::string_view) { throw 1; };
  Shard shard{handler};
  const Connection connection = shard.connect();
  shard.in_one_turn([&] {
    shard.arrives(connection, "one");
    shard.arrives(connection, "two");
    shard.peer_ends(connection);
  });
  EXPECT_EQ(handler.log(connection), (Recorder::Log{"connect", "receive one", "disconnect handler_threw"}));
}

TEST(Callbacks, what_a_connection_queued_before_it_threw_is_told_as_lost) {
  Recorder handler;
  handler.receiving = [](Connection connection, std::string_view) {
    connection.send("never leaves");
    throw 1;
  };
  Shard shard{handler};
  const Connection connection = shard.connect();
  shard.arrives(connection, "x");
  shard.run_out();
  EXPECT_EQ(handler.end(connection).unsent_bytes, 12U);
  EXPECT_EQ(shard.wire(connection).sent, "");
}

TEST(Callbacks, lent_bytes_stay_valid_after_the_connection_was_aborted_in_the_call) {
  Recorder handler;
  std::string copy;
  handler.receiving = [&](Connection connection, std::string_view text) {
    connection.abort();
    copy = text;
  };
  Shard shard{handler};
  const Connection direct = shard.connect();
  shard.arrives(direct, "lent by the system");
  EXPECT_EQ(copy, "lent by the system");
  const Connection paused = shard.connect();
  paused.pause_receive();
  shard.turn();
  shard.arrives(paused, "kept for a while");
  paused.resume_receive();
  shard.turn();
  EXPECT_EQ(copy, "kept for a while");
}

}  // namespace
}  // namespace iocpp::core

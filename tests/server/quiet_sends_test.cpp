// What a handler without an on_sent of its own sends: it leaves at once, also behind what has just been posted.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

/// The first connection is paused. When another one asks, it is answered, and aborts the first; which ends in the same
/// flush, behind the answer, and then adds to it.
class AnswersInTwo : public Handler {
 public:
  void on_connect(Connection connection) override {
    if (!first_) {
      first_ = connection;
      connection.pause_receive();
    } else {
      second_ = connection;
    }
  }
  void on_receive(Connection connection, std::span<const std::byte>) override {
    connection.send("one, ");
    first_->abort();
  }
  void on_disconnect(Connection connection, const Disconnect&) override {
    if (connection.id() == first_->id()) second_->send("two");
  }

 private:
  std::optional<Connection> first_;
  std::optional<Connection> second_;
};

TEST(QuietSends, of_which_more_is_queued_behind_do_not_let_the_loop_sleep) {
  AnswersInTwo handler;
  Server server(on_loopback(), handler);
  server.start();
  Client first{server.port()};
  Client second{server.port()};
  second.send("?");
  EXPECT_EQ(second.receive(8), "one, two");
  first.close();
  second.close();
  server.request_drain(patience);
  server.wait();
}

}  // namespace
}  // namespace iocpp::tests

// A handler that writes down what it is told, checks the order that is promised, and does what a test asks of it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "iocpp/handler.hpp"

namespace iocpp::core {

class Recorder : public Handler {
 public:
  using Log = std::vector<std::string>;

  /// "connect", "receive abc", "sent 3", "writable", "peer_shutdown", "disconnect local_close", in their order.
  const Log& log(Connection connection) const { return stories_.at(connection.id().value()).log; }
  const Disconnect& end(Connection connection) const { return stories_.at(connection.id().value()).end; }
  bool ended(Connection connection) const { return stories_.at(connection.id().value()).ended; }
  /// All bytes that were received.
  const std::string& received(Connection connection) const { return stories_.at(connection.id().value()).received; }
  std::size_t connections() const { return stories_.size(); }

  std::function<void(Connection)> connecting;
  std::function<void(Connection, std::string_view)> receiving;
  std::function<void(Connection, std::size_t)> sending;
  std::function<void(Connection)> writable;
  std::function<void(Connection)> timer;
  std::function<void(Connection)> peer_ending;  ///< In place of the default, which closes.
  std::function<void(Connection)> draining;     ///< In place of the default, which closes.
  std::function<void(Connection, const Disconnect&)> disconnecting;

  void on_connect(Connection connection) override {
    const Call call{*this};
    EXPECT_FALSE(stories_.contains(connection.id().value())) << "connected twice, or an id used twice";
    write(connection, "connect");
    if (connecting) connecting(connection);
  }

  void on_receive(Connection connection, std::span<const std::byte> bytes) override {
    const Call call{*this};
    const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    EXPECT_FALSE(text.empty());
    write(connection, "receive " + std::string{text.substr(0, 40)});
    stories_.at(connection.id().value()).received += text;
    if (receiving) receiving(connection, text);
  }

  void on_sent(Connection connection, std::size_t bytes) override {
    const Call call{*this};
    EXPECT_NE(bytes, 0U);
    write(connection, "sent " + std::to_string(bytes));
    if (sending) sending(connection, bytes);
  }

  void on_writable(Connection connection) override {
    const Call call{*this};
    write(connection, "writable");
    if (writable) writable(connection);
  }

  void on_timer(Connection connection) override {
    const Call call{*this};
    write(connection, "timer");
    if (timer) timer(connection);
  }

  void on_peer_shutdown(Connection connection) override {
    const Call call{*this};
    write(connection, "peer_shutdown");
    peer_ending ? peer_ending(connection) : Handler::on_peer_shutdown(connection);
  }

  void on_drain(Connection connection) override {
    const Call call{*this};
    if (!draining) return Handler::on_drain(connection);
    write(connection, "drain");
    draining(connection);
  }

  void on_disconnect(Connection connection, const Disconnect& why) override {
    const Call call{*this};
    write(connection, "disconnect " + std::string{to_string(why.reason)});
    stories_.at(connection.id().value()).end = why;
    stories_.at(connection.id().value()).ended = true;
    if (disconnecting) disconnecting(connection, why);
  }

 private:
  struct Story {
    Log log;
    std::string received;
    Disconnect end;
    bool ended = false;
  };

  /// Callbacks never overlap.
  class Call {
   public:
    explicit Call(Recorder& recorder) : recorder_{recorder} { EXPECT_FALSE(std::exchange(recorder.called_, true)); }
    ~Call() { recorder_.called_ = false; }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    Recorder& recorder_;
  };

  void write(Connection connection, std::string event) {
    Story& story = stories_[connection.id().value()];
    EXPECT_EQ(story.log.empty(), event == "connect") << event << " does not come first, or connect does not";
    EXPECT_FALSE(story.ended) << event << " after on_disconnect";
    story.log.push_back(std::move(event));
  }

  std::map<std::uint64_t, Story> stories_;
  bool called_ = false;
};

}  // namespace iocpp::core

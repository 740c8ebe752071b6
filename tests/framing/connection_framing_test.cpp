// Framing in a server: over the simulated systems, with their splits and faults, and with a minimum rate.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "iocpp/framing.hpp"
#include "iocpp/simulator.hpp"
#include "support/seeds.hpp"

namespace iocpp {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using Bytes = std::span<const std::byte>;

/// Answers each message with itself, framed. "close" and "abort" do what they say.
class MessageEcho : public Handler {
 public:
  explicit MessageEcho(Framing framing) : framing_{std::move(framing)} {}

  void on_connect(Connection connection) override { connection.emplace_context<PartialMessage>(); }
  void on_receive(Connection connection, Bytes bytes) override {
    const auto answer = [&](Bytes message) {
      const std::string_view text{reinterpret_cast<const char*>(message.data()), message.size()};
      if (!connection.is_open()) throw std::logic_error("a message of a connection that has ended");
      std::vector<std::byte> framed;
      framing_.append(framed, message);
      connection.send(std::move(framed));
      if (text == "close") connection.close();
      if (text == "abort") connection.abort();
    };
    if (!framing_.read(connection, *connection.context<PartialMessage>(), bytes, answer)) connection.abort();
  }

 private:
  Framing framing_;
};

std::string framed(const Framing& framing, std::string_view message) {
  std::vector<std::byte> bytes;
  framing.append(bytes, std::as_bytes(std::span{message}));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Tested {
  std::string name;
  Framing framing;
  std::string too_long;  ///< Its last byte says so.
};

std::ostream& operator<<(std::ostream& out, const Tested& tested) {
  return out << tested.name;
}

class ConnectionFraming : public testing::TestWithParam<Tested> {};

INSTANTIATE_TEST_SUITE_P(
    Framing, ConnectionFraming,
    testing::Values(Tested{"lengths", Framing{LengthPrefix{.bytes = 2, .message_bytes_max = 5'000}}, "\x7f\x7f"},
                    Tested{"delimiters", Framing{Delimiter{.text = "\r\n", .message_bytes_max = 5'000}},
                           std::string(5'002, 'x')}),
    [](const auto& tested) { return tested.param.name; });

TEST_P(ConnectionFraming, each_peer_gets_its_messages_back_amid_faults) {
  const Framing& framing = GetParam().framing;
  const auto test = [&](Simulation& simulation) {
    simulation.serve([&](unsigned) { return std::make_unique<MessageEcho>(framing); });
    for (int number = 0; number < 8; ++number) {
      std::string stream;
      for (int message = 0; message < 20; ++message)
        stream += framed(
            framing, std::string(simulation.random(message % 5 == 0 ? 5'000 : 50), static_cast<char>('a' + number)));
      SimulatedPeer& peer = simulation.connect();
      const std::size_t cut = simulation.random(stream.size());
      peer.send(stream.substr(0, cut)).wait(1ms).send(stream.substr(cut)).expect(stream);
      peer.half_close().expect_end();
    }
  };
  for (const FaultRate faults : {FaultRate::none, FaultRate::light, FaultRate::heavy})
    EXPECT_TRUE(for_each_seed(1, tests::seeds(100), test, {.faults = faults}).passed());
}

/// What is sent of a message that lies in the received bytes is lent to the system; of a gathered one, copied.
TEST(LentFraming, a_message_may_be_sent_from_where_it_lies) {
  struct LineEcho : Handler {
    void on_connect(Connection connection) override { connection.emplace_context<PartialMessage>(); }
    void on_receive(Connection connection, Bytes bytes) override {
      const auto answer = [&](Bytes line) {
        connection.send(line);
        connection.send("\n");
      };
      if (!lines.read(connection, *connection.context<PartialMessage>(), bytes, answer)) connection.abort();
    }
    const Framing lines{Delimiter{}};
  };
  const auto test = [](Simulation& simulation) {
    simulation.serve([](unsigned) { return std::make_unique<LineEcho>(); });
    for (int number = 0; number < 5; ++number) {
      std::string stream;
      for (int line = 0; line < 10; ++line)
        stream += std::string(simulation.random(20'000), static_cast<char>('a' + line)) + "\n";
      simulation.connect().read_slowly(10'000, 1ms).send(stream).expect(stream).half_close().expect_end();
    }
  };
  for (const FaultRate faults : {FaultRate::none, FaultRate::heavy})
    EXPECT_TRUE(for_each_seed(1, tests::seeds(100), test, {.faults = faults}).passed());
}

TEST_P(ConnectionFraming, what_ends_the_connection_ends_the_messages) {
  const Framing& framing = GetParam().framing;
  const auto test = [&](Simulation& simulation) {
    simulation.serve([&](unsigned) { return std::make_unique<MessageEcho>(framing); });
    const std::string closed = framed(framing, "one") + framed(framing, "close");
    simulation.connect().send(closed + framed(framing, "not answered")).expect(closed).expect_end().close();
    simulation.connect().send(framed(framing, "abort") + framed(framing, "x")).expect_reset();
    simulation.connect()
        .send(framed(framing, "one"))
        .expect(framed(framing, "one"))
        .send(GetParam().too_long)
        .expect_reset();
  };
  EXPECT_TRUE(for_each_seed(1, tests::seeds(100), test).passed());
}

/// Answers a message that it refuses with "no", and goes on with the next one.
struct Refusing : Handler {
  void on_connect(Connection connection) override { connection.emplace_context<PartialMessage>(); }
  void on_receive(Connection connection, Bytes bytes) override {
    const auto refuse = [](Bytes) { throw std::runtime_error{"a message that is refused"}; };
    try {
      if (!lines.read(connection, *connection.context<PartialMessage>(), bytes, refuse)) connection.abort();
    } catch (const std::runtime_error&) {
      connection.send("no\n");
    }
  }
  const Framing lines{Delimiter{}};
};

/// A message that had begun was taken to go on after it had thrown: the silence after it was too slow.
TEST(ThrowingFraming, a_message_that_throws_has_ended) {
  const auto test = [](Simulation& simulation) {
    simulation.serve([](unsigned) { return std::make_unique<Refusing>(); });
    simulation.connect().send("one, ").wait(1ms).send("two\n").expect("no\n").wait(1h).send("x\n").expect("no\n");
  };
  SimulationOptions options;
  options.server.deadlines.min_rate_bytes = 100;
  options.server.deadlines.min_rate_grace = 2s;
  EXPECT_TRUE(for_each_seed(1, tests::seeds(20), test, options).passed());
}

/// Only while a message is incomplete: silence between messages is nobody's fault.
TEST_P(ConnectionFraming, a_message_that_has_begun_must_come_at_the_minimum_rate) {
  const Framing& framing = GetParam().framing;
  SimulationOptions options;
  options.server.deadlines = {.min_rate_bytes = 100, .min_rate_grace = 1s};
  const auto test = [&](Simulation& simulation) {
    simulation.serve([&](unsigned) { return std::make_unique<MessageEcho>(framing); });
    const std::string whole = framed(framing, "hello");
    simulation.connect().send(whole).expect(whole).wait(1min).send(whole).expect(whole).half_close().expect_end();
    simulation.connect()
        .send(whole.substr(0, 3))
        .wait(500ms)
        .send(whole.substr(3))
        .expect(whole)
        .wait(1min)
        .send(whole)
        .expect(whole)
        .half_close()
        .expect_end();
    simulation.connect().send(whole + whole.substr(0, 3)).expect(whole).expect_reset();
  };
  EXPECT_TRUE(for_each_seed(1, tests::seeds(50), test, options).passed());
}

TEST_P(ConnectionFraming, a_drain_waits_for_the_end_of_a_message) {
  const Framing& framing = GetParam().framing;
  const auto test = [&](Simulation& simulation) {
    simulation.serve([&](unsigned) { return std::make_unique<MessageEcho>(framing); });
    const std::string whole = framed(framing, "hello");
    const std::string begin = whole.substr(0, 3);
    const std::string rest = whole.substr(3);
    simulation.connect().send(begin).stay().send(rest).expect(whole).expect_end().close();
    simulation.connect().send(whole).expect(whole).stay().expect_end().close();
    simulation.run_for(10s);
  };
  EXPECT_TRUE(for_each_seed(1, tests::seeds(50), test).passed());
}

/// A message begins once, however many parts it comes in.
TEST_P(ConnectionFraming, a_byte_now_and_then_is_no_progress) {
  struct Timed : MessageEcho {
    Timed(const Framing& framing, Simulation& simulation) : MessageEcho{framing}, simulation_{simulation} {}
    void on_connect(Connection connection) override {
      MessageEcho::on_connect(connection);
      begin_ = simulation_.now();
    }
    void on_disconnect(Connection, const Disconnect& end) override {
      if (end.reason != DisconnectReason::min_rate || simulation_.now() - begin_ > 1300ms) simulation_.fail("late");
    }
    Simulation& simulation_;
    std::chrono::nanoseconds begin_{};
  };
  SimulationOptions options;
  options.server.deadlines = {.min_rate_bytes = 100, .min_rate_grace = 1s};
  const auto test = [&](Simulation& simulation) {
    simulation.serve([&](unsigned) { return std::make_unique<Timed>(GetParam().framing, simulation); });
    const std::string whole = framed(GetParam().framing, "hello");
    simulation.connect().send(whole.substr(0, 3)).wait(700ms).send(whole.substr(3, 1)).expect_reset();
  };
  EXPECT_TRUE(for_each_seed(1, tests::seeds(50), test, options).passed());
}

}  // namespace
}  // namespace iocpp

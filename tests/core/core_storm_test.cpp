// Connections under random completions, calls and exceptions, over many seeds: what was promised holds all the time.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/prng.hpp"
#include "core/recorder.hpp"
#include "core/shard.hpp"

namespace iocpp::core {
namespace {

using std::chrono::nanoseconds;

/// The peer's and the handler's side of one connection, as they should be.
struct Sides {
  std::string arrived;   ///< What the peer has sent.
  std::string accepted;  ///< What send() took.
  bool overflowed = false;
};

class Storm {
 public:
  /// `lend_bytes_min`: of the port.
  explicit Storm(std::uint64_t seed, std::size_t lend_bytes_min) : prng_{seed}, lend_bytes_min_{lend_bytes_min} {
    handler_.connecting = [this](Connection connection) { meddle(connection); };
    handler_.receiving = [this](Connection connection, std::string_view bytes) {
      if (prng_.below(2) == 0) send(connection, bytes);
      meddle(connection);
    };
    handler_.sending = [this](Connection connection, std::size_t) { meddle(connection); };
    handler_.writable = [this](Connection connection) { meddle(connection); };
    handler_.peer_ending = [this](Connection connection) {
      meddle(connection);
      connection.close();
    };
    handler_.disconnecting = [this](Connection connection, const Disconnect&) { meddle(connection); };
  }

  void rage(int turns) {
    for (int turn = 0; turn < turns && !testing::Test::HasFailure(); ++turn) {
      if (prng_.below(3) == 0) shard_.room = static_cast<unsigned>(prng_.below(6));
      shard_.in_one_turn([this] {
        const std::uint64_t events = 1 + prng_.below(6);
        for (std::uint64_t event = 0; event < events; ++event) something();
      });
      shard_.room = ~0U;
      if (prng_.below(4) == 0) pass();
      if (prng_.below(8) == 0) shard_.run_out();
    }
  }

  /// The drain that ends every server: all connections end, and the sums are right.
  void calm() {
    shard_.core().begin_drain();
    shard_.turn();
    for (int rounds = 0; rounds < 5; ++rounds) shard_.pass(std::chrono::seconds{1});
    shard_.core().cut_drain();
    shard_.turn();
    shard_.run_out();
    ASSERT_EQ(shard_.core().connections(), 0U);
    std::uint64_t ended = 0;
    for (const Counter& counter : shard_.core().counters().disconnected) ended += counter.get();
    EXPECT_EQ(ended, connections_.size());
    EXPECT_EQ(shard_.core().counters().accepted.get(), connections_.size());
    for (const Connection connection : connections_) check(connection);
  }

  std::size_t connections() const { return connections_.size(); }
  std::uint64_t bytes_received() { return shard_.core().counters().bytes_received.get(); }
  std::uint64_t ended(DisconnectReason reason) { return shard_.ended(reason); }
  unsigned lent() { return shard_.lent_posted(); }

 private:
  void check(Connection connection) {
    const Sides& sides = sides_[connection.id().value()];
    const Wire& wire = shard_.wire(connection);
    ASSERT_TRUE(handler_.ended(connection));
    EXPECT_TRUE(sides.arrived.starts_with(handler_.received(connection))) << "not a prefix of what the peer sent";
    EXPECT_TRUE(sides.accepted.starts_with(wire.sent)) << "not a prefix of what was queued";
    EXPECT_EQ(wire.sent.size() + handler_.end(connection).unsent_bytes, sides.accepted.size());
    EXPECT_EQ(handler_.end(connection).reason == DisconnectReason::send_overflow, sides.overflowed);
  }

  void pass() {
    const std::uint64_t bits = prng_.below(34);
    shard_.pass(nanoseconds{static_cast<std::int64_t>(prng_.below(std::uint64_t{1} << bits))});
  }

  Connection anyone() { return connections_[prng_.below(connections_.size())]; }

  void something() {
    const std::uint64_t choice = prng_.below(20);
    if (connections_.empty() || choice == 0) return connect();
    const Connection connection = anyone();
    Wire& wire = shard_.wire(connection);
    if (choice < 7) return receive(connection, wire);
    if (choice < 13) return finish_send(connection, wire);
    if (choice == 13 && wire.closing) return shard_.closes_end();
    if (choice == 14 && wire.receiving && wire.receive_cancelled) return shard_.receive_fails(connection, cancelled);
    if (choice == 15 && wire.sending && wire.send_cancelled) return shard_.send_fails(connection, cancelled);
    if (choice >= 16) call(connection);
  }

  void connect() {
    if (!shard_.try_connect()) ADD_FAILURE();
  }

  void receive(Connection connection, Wire& wire) {
    if (!wire.receiving) return;
    constexpr int errors[] = {econnreset, host_unreachable, no_buffers, eagain, eagain, no_buffers};
    const std::uint64_t kind = prng_.below(24);
    if (kind == 0) return shard_.peer_ends(connection);
    if (kind < 3) return shard_.receive_fails(connection, errors[prng_.below(std::size(errors))]);
    const std::string bytes = some_bytes();
    sides_[connection.id().value()].arrived += bytes;
    const bool more = prng_.below(2) == 0;
    shard_.arrives(connection, bytes, more);
  }

  void finish_send(Connection connection, Wire& wire) {
    if (!wire.sending) return;
    const std::uint64_t bytes = prng_.below(wire.in_flight_bytes.size()) + 1;
    const std::uint64_t kind = prng_.below(24);
    if (kind == 0) return shard_.send_fails(connection, epipe, bytes - 1);
    if (kind == 1) return shard_.send_fails(connection, no_buffers, bytes - 1);
    if (kind == 2) return shard_.send_fails(connection, eagain);
    shard_.sent(connection, bytes);
  }

  std::string some_bytes() {
    const std::uint64_t bits = prng_.below(13);
    std::string bytes(1 + prng_.below(std::uint64_t{1} << bits), ' ');
    for (char& byte : bytes) byte = static_cast<char>('a' + (written_++ % 26));
    return bytes;
  }

  void call(Connection connection) {
    switch (prng_.below(20)) {
      case 0:
        return connection.close();
      case 1:
        return connection.abort();
      case 2:
        return connection.shutdown_send();
      case 3:
      case 4:
        return connection.pause_receive();
      case 5:
      case 6:
      case 7:
      case 8:
        return connection.resume_receive();
      default:
        return send(connection);
    }
  }

  void send(Connection connection) { send(connection, some_bytes()); }

  void send(Connection connection, std::string_view bytes) {
    const SendResult result = connection.send(bytes);
    if (result.queued) sides_[connection.id().value()].accepted += bytes;
    if (result.overflow) sides_[connection.id().value()].overflowed = true;
  }

  /// What a handler does in a callback.
  void meddle(Connection connection) {
    if (known_.insert(connection.id().value()).second) connections_.push_back(connection);
    if (prng_.below(3) == 0) call(connection);
    if (prng_.below(6) == 0) call(anyone());
    if (prng_.below(60) == 0) throw 1;
  }

  Prng prng_;
  std::size_t lend_bytes_min_;
  Recorder handler_;
  std::vector<Connection> connections_;
  std::set<std::uint64_t> known_;
  std::map<std::uint64_t, Sides> sides_;
  std::uint64_t written_ = 0;
  Shard shard_{handler_,
               {.send_queue_bytes_high = 2000,
                .send_queue_bytes_low = 500,
                .send_queue_bytes_max = 5000,
                .lend_bytes_min = lend_bytes_min_}};
};

TEST(Core, keeps_its_promises_in_any_storm) {
  std::size_t connections = 0;
  std::uint64_t bytes = 0;
  std::uint64_t lent = 0;
  std::map<DisconnectReason, std::uint64_t> reasons;
  for (std::uint64_t seed = 0; seed < 300 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Storm storm{seed, seed % 2 == 0 ? 1 : SIZE_MAX};
    storm.rage(200);
    storm.calm();
    connections += storm.connections();
    bytes += storm.bytes_received();
    lent += storm.lent();
    for (const DisconnectReason reason :
         {DisconnectReason::peer_closed, DisconnectReason::peer_reset, DisconnectReason::local_close,
          DisconnectReason::local_abort, DisconnectReason::send_overflow, DisconnectReason::drain_deadline,
          DisconnectReason::handler_threw, DisconnectReason::network_error}) {
      reasons[reason] += storm.ended(reason);
    }
  }
  EXPECT_GT(connections, 1000U);
  EXPECT_GT(bytes, 1'000'000U);
  EXPECT_GT(lent, 1000U);
  for (const auto& [reason, count] : reasons) EXPECT_GT(count, 10U) << to_string(reason) << " hardly ever happens";
}

}  // namespace
}  // namespace iocpp::core

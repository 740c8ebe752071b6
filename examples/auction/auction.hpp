// An auction by lines: who says "BID 120" leads, until somebody bids more or the time is over. The best bid is one for
// the clients of all shards; a client is known to its own shard alone.
#pragma once
#include <iocpp/iocpp.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace auction {

/// A token bucket in one number: when the bucket would be full. A bid a second, five at once.
class Pace {
 public:
  bool take(std::chrono::nanoseconds now) {
    full_at_ = std::max(full_at_, now);
    if (full_at_ - now > interval * (burst - 1)) return false;
    full_at_ += interval;
    return true;
  }

 private:
  static constexpr std::chrono::nanoseconds interval = std::chrono::seconds{1};
  static constexpr int burst = 5;

  std::chrono::nanoseconds full_at_{};
};

class Table;

/// What the shards share. Its lock is held for some instructions; under it nothing is sent, and nobody is called.
class Auction {
 public:
  struct Standing {
    std::uint64_t best = 0;
    iocpp::ConnectionId leader{};
    bool closed = false;
  };

  // The server's, or a simulation's. To be set before either starts.
  unsigned shards = 1;
  std::function<std::error_code(unsigned shard, std::function<void()> task)> post;
  std::function<std::chrono::nanoseconds()> now;

  Standing standing() {
    const std::lock_guard lock{mutex_};
    return standing_;
  }
  /// How things stand then; `who` leads if the bid was higher and in time.
  Standing bid(iocpp::ConnectionId who, std::uint64_t amount) {
    const std::lock_guard lock{mutex_};
    if (!standing_.closed && amount > standing_.best) standing_ = {.best = amount, .leader = who};
    return standing_;
  }
  void close() {
    const std::lock_guard lock{mutex_};
    standing_.closed = true;
  }

  /// Each entry is its shard's: nobody else reads or writes it.
  void seat(unsigned shard, Table& table) { tables_[shard] = &table; }
  /// Every shard tells its clients how things stand. One whose mailbox is full does so with the next bid.
  void tell_all();

 private:
  std::mutex mutex_;
  Standing standing_;
  std::array<Table*, 256> tables_{};
};

/// The clients of one shard.
class Table : public iocpp::Handler {
 public:
  Table(Auction& auction, unsigned shard) : auction_{auction} { auction.seat(shard, *this); }

  void on_connect(iocpp::Connection connection) override {
    connection.emplace_context<Bidder>();
    bidders_.push_back(connection);
    connection.send("BEST " + std::to_string(auction_.standing().best) + "\n");
  }

  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override {
    Bidder& bidder = *connection.context<Bidder>();
    const auto hear = [&](std::span<const std::byte> line) {
      connection.send(answer(connection.id(), bidder, {reinterpret_cast<const char*>(line.data()), line.size()}));
    };
    if (!lines_.read(connection, bidder.partial, bytes, hear)) {
      connection.send("TOO LONG\n");
      connection.close();
    } else if (bidder.ending && bidder.partial.empty()) {
      goodbye(connection);
    }
  }

  /// Who has begun a line may finish it, and is answered first. No bid counts any more: others know the price already.
  void on_drain(iocpp::Connection connection) override {
    auction_.close();
    Bidder& bidder = *connection.context<Bidder>();
    bidder.ending = true;
    if (bidder.partial.empty()) goodbye(connection);
  }

  void on_disconnect(iocpp::Connection connection, const iocpp::Disconnect&) override {
    std::erase_if(bidders_, [&](iocpp::Connection each) { return each.id() == connection.id(); });
  }

  /// By a task on this shard. Several bids may have been made since it was posted: one line tells of them.
  void tell() {
    const Auction::Standing standing = auction_.standing();
    if (standing.closed || standing.best == told_) return;
    told_ = standing.best;
    for (const iocpp::Connection bidder : bidders_) {
      if (bidder.id() != standing.leader) bidder.send("BEST " + std::to_string(told_) + "\n");
    }
  }

 private:
  struct Bidder {
    iocpp::PartialMessage partial;
    Pace pace;
    bool ending = false;
  };

  std::string answer(iocpp::ConnectionId who, Bidder& bidder, std::string_view line) {
    constexpr std::string_view verb = "BID ";
    std::uint64_t amount = 0;
    const char* end = line.data() + line.size();
    if (!line.starts_with(verb)) return "SAY BID AMOUNT\n";
    const auto [rest, error] = std::from_chars(line.data() + verb.size(), end, amount);
    if (error != std::errc{} || rest != end) return "SAY BID AMOUNT\n";
    if (!bidder.pace.take(auction_.now())) return "SLOWLY\n";
    const Auction::Standing standing = auction_.bid(who, amount);
    if (standing.closed) return "CLOSED\n";
    if (standing.leader != who || standing.best != amount) return "LOW " + std::to_string(standing.best) + "\n";
    auction_.tell_all();
    return "OK\n";
  }

  void goodbye(iocpp::Connection connection) {
    const Auction::Standing standing = auction_.standing();
    connection.send((standing.leader == connection.id() ? "WON " : "SOLD ") + std::to_string(standing.best) + "\n");
    connection.close();
  }

  Auction& auction_;
  iocpp::Framing lines_{iocpp::Delimiter{.text = "\n", .drop_carriage_return = true, .message_bytes_max = 64}};
  std::vector<iocpp::Connection> bidders_;
  std::uint64_t told_ = 0;
};

inline void Auction::tell_all() {
  for (unsigned shard = 0; shard < shards; ++shard)
    [[maybe_unused]] const std::error_code full = post(shard, [this, shard] { tables_[shard]->tell(); });
}

/// For a port that anybody can reach.
inline iocpp::Options auction_options() {
  iocpp::Options options = iocpp::Options::public_internet();
  options.port = 50006;
  options.deadlines.first_byte = std::chrono::minutes{10};  // some only listen
  options.deadlines.idle = std::chrono::minutes{10};
  options.drain_timeout = std::chrono::seconds{5};
  return options;
}

}  // namespace auction

// auction [PORT [SECONDS]]: the auction, for so long.
#include <cstdio>
#include <memory>
#include <string>

#include "auction.hpp"

int main(int count, char** words) {
  iocpp::Options options = auction::auction_options();
  if (count > 1) options.port = static_cast<std::uint16_t>(std::stoul(words[1]));
  const std::chrono::seconds lasts{count > 2 ? std::stol(words[2]) : 60};

  auction::Auction auction;
  iocpp::Server server(options, [&](unsigned shard) { return std::make_unique<auction::Table>(auction, shard); });
  auction.shards = server.shards();
  auction.post = [&](unsigned shard, std::function<void()> task) { return server.post(shard, std::move(task)); };
  auction.now = [] { return std::chrono::steady_clock::now().time_since_epoch(); };

  // The end is the server's, too: whoever is connected then is told by on_drain.
  if (server.post_after(0, lasts, [&] { server.request_drain(auction::auction_options().drain_timeout); })) return 1;
  std::printf("listening on port %u\n", static_cast<unsigned>(server.port()));
  std::fflush(stdout);
  server.run();
  std::printf("sold for %llu\n", static_cast<unsigned long long>(auction.standing().best));
}

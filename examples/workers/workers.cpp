// Slow work beside the shards: a connection's bytes go to another thread, and the answer comes back.
#include <iocpp/iocpp.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "worker.hpp"

namespace {

using Bytes = std::vector<std::byte>;

/// What takes long: a sum, slowly.
std::string slow_answer(const Bytes& question) {
  std::this_thread::sleep_for(std::chrono::milliseconds{20});
  unsigned sum = 0;
  for (const std::byte each : question) sum += std::to_integer<unsigned>(each);
  return std::to_string(sum) + "\n";
}

struct Session {
  bool busy = false;
  bool ending = false;
};

class Sums : public iocpp::Handler {
 public:
  Sums(Worker& worker, iocpp::Server& server) : worker_{worker}, server_{server} {}

  void on_connect(iocpp::Connection connection) override { connection.emplace_context<Session>(); }

  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override {
    connection.context<Session>()->busy = true;
    connection.pause_receive();  // one job a connection: who asks faster waits in the network
    worker_.add([&server = server_, id = connection.id(), question = Bytes(bytes.begin(), bytes.end())] {
      const auto give = [&server, id, answer = slow_answer(question)] { answered(server.connection(id), answer); };
      while (server.post(id.shard(), give) == iocpp::errc::would_block) std::this_thread::yield();
    });
  }

  void on_drain(iocpp::Connection connection) override {
    Session& session = *connection.context<Session>();
    session.ending = true;
    if (!session.busy) connection.close();
  }

 private:
  /// On the connection's shard again. If it has ended meanwhile, its handle says so and does nothing.
  static void answered(iocpp::Connection connection, const std::string& answer) {
    if (!connection.is_open()) return;
    Session& session = *connection.context<Session>();
    session.busy = false;
    connection.send(answer);
    if (session.ending) return connection.close();
    connection.resume_receive();
  }

  Worker& worker_;
  iocpp::Server& server_;
};

}  // namespace

int main(int count, char** words) {
  Worker worker;
  const auto port = static_cast<std::uint16_t>(count > 1 ? std::stoul(words[1]) : 50005);
  iocpp::Server server({.port = port}, [&](unsigned) { return std::make_unique<Sums>(worker, server); });
  std::printf("listening on port %u\n", static_cast<unsigned>(server.port()));
  std::fflush(stdout);
  server.run();
  worker.finish();  // before the server is gone: a job that is left may still ask it, and is answered "closed"
}

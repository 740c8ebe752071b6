// A cache that speaks RESP2 well enough for redis-cli and redis-benchmark: PING, ECHO, GET, SET, DEL, EXISTS, INCR,
// DBSIZE, and empty answers to what these two ask first. Memory is bounded.
#include <iocpp/iocpp.hpp>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <sstream>

#include "commands.hpp"
#include "interpreter.hpp"

namespace {

using Bytes = std::span<const std::byte>;

struct Client {
  CommandReader commands;
  iocpp::PartialMessage line;
  enum class Kind { unknown, arrays, lines } kind = Kind::unknown;
  bool reads_replies = true;  ///< False: its queue is full, and its commands wait.
};

class Cache : public iocpp::Handler {
 public:
  void on_connect(iocpp::Connection connection) override { connection.emplace_context<Client>(); }

  void on_receive(iocpp::Connection connection, Bytes bytes) override {
    Client& client = *connection.context<Client>();
    if (client.kind == Client::Kind::unknown)
      client.kind = bytes[0] == std::byte{'*'} ? Client::Kind::arrays : Client::Kind::lines;
    if (client.kind == Client::Kind::lines) return read_lines(connection, client, bytes);
    while (!bytes.empty() && connection.is_open()) {
      const Bytes part = bytes.first(std::min<std::size_t>(bytes.size(), 16U << 10));
      bytes = bytes.subspan(part.size());
      if (!client.commands.feed(part)) return connection.abort();
      if (client.reads_replies) answer(connection, client);
    }
  }

  void on_writable(iocpp::Connection connection) override {
    Client& client = *connection.context<Client>();
    client.reads_replies = true;
    answer(connection, client);
  }

 private:
  using Found = CommandReader::Found;
  static constexpr std::size_t reply_bytes_max = 64U << 10;

  /// As telnet has it; redis-benchmark's first test too. Who asks for much at once and does not read it is closed.
  void read_lines(iocpp::Connection connection, Client& client, Bytes bytes) {
    const auto answer = [&](Bytes line) {
      std::istringstream words{std::string{reinterpret_cast<const char*>(line.data()), line.size()}};
      interpreter_.execute({std::istream_iterator<std::string>{words}, {}});
      return interpreter_.reply.size() < reply_bytes_max || send_reply(connection);
    };
    interpreter_.reply.clear();
    const iocpp::FramingResult result = lines_.read(connection, client.line, bytes, answer);
    if (!result) interpreter_.fail("too long");
    if (!interpreter_.reply.empty()) send_reply(connection);
    if (!result || result.stopped) connection.close();
  }

  void answer(iocpp::Connection connection, Client& client) {
    Command command;
    Found found = Found::nothing;
    interpreter_.reply.clear();  // of one whose answer threw
    while (client.reads_replies && (found = client.commands.next(command)) == Found::command) {
      interpreter_.execute(std::move(command));
      if (interpreter_.reply.size() >= reply_bytes_max) client.reads_replies = send_reply(connection);
    }
    if (found == Found::error) interpreter_.fail("Protocol error");
    if (!interpreter_.reply.empty()) client.reads_replies = send_reply(connection) && client.reads_replies;
    if (found == Found::error) connection.close();
  }

  bool send_reply(iocpp::Connection connection) {
    const iocpp::SendResult result = connection.send(interpreter_.reply);
    interpreter_.reply.clear();
    return result.queued && !result.above_high_watermark;
  }

  Interpreter interpreter_;
  iocpp::Framing lines_{iocpp::Delimiter{.text = "\n", .drop_carriage_return = true}};
};

}  // namespace

int main(int count, char** words) {
  iocpp::Options options;  // clients of a trusted network: pools of idle connections, for days
  options.port = static_cast<std::uint16_t>(count > 1 ? std::stoul(words[1]) : 50003);
  options.deadlines.write = std::chrono::seconds{30};
  options.send_queue_bytes_max_total = 256U << 20;
  Cache cache;
  iocpp::Server server(options, cache);
  std::printf("listening on port %u\n", static_cast<unsigned>(server.port()));
  std::fflush(stdout);
  server.run();
}

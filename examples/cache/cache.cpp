// A cache that speaks RESP2 well enough for redis-cli and redis-benchmark: PING, ECHO, GET, SET, DEL, EXISTS, INCR,
// DBSIZE, and empty answers to what these two ask first. Memory is bounded.
#include <iocpp/iocpp.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iterator>
#include <limits>
#include <sstream>

#include "commands.hpp"
#include "store.hpp"

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
      execute({std::istream_iterator<std::string>{words}, {}});
      return reply_.size() < reply_bytes_max || send_reply(connection);
    };
    reply_.clear();
    const iocpp::FramingResult result = lines_.read(connection, client.line, bytes, answer);
    if (!result) reply({"-ERR too long"});
    if (!reply_.empty()) send_reply(connection);
    if (!result || result.stopped) connection.close();
  }

  void answer(iocpp::Connection connection, Client& client) {
    Command command;
    Found found = Found::nothing;
    reply_.clear();  // of one whose answer threw
    while (client.reads_replies && (found = client.commands.next(command)) == Found::command) {
      execute(std::move(command));
      if (reply_.size() >= reply_bytes_max) client.reads_replies = send_reply(connection);
    }
    if (found == Found::error) reply({"-ERR Protocol error"});
    if (!reply_.empty()) client.reads_replies = send_reply(connection) && client.reads_replies;
    if (found == Found::error) connection.close();
  }

  bool send_reply(iocpp::Connection connection) {
    const iocpp::SendResult result = connection.send(reply_);
    reply_.clear();
    return result.queued && !result.above_high_watermark;
  }

  void execute(Command words) {
    if (words.empty()) return;
    std::string& name = words[0];
    for (char& letter : name) letter = static_cast<char>(letter >= 'a' && letter <= 'z' ? letter - 32 : letter);
    const std::size_t arguments = words.size() - 1;
    if (name == "GET" && arguments == 1) return bulk(store_.get(words[1]));
    if (name == "SET" && arguments == 2) {
      store_.set(std::move(words[1]), std::move(words[2]));
      return reply({"+OK"});
    }
    if (name == "PING" && arguments <= 1) return arguments == 0 ? reply({"+PONG"}) : bulk(&words[1]);
    if (name == "ECHO" && arguments == 1) return bulk(&words[1]);
    if (name == "INCR" && arguments == 1) return increment(std::move(words[1]));
    if (name == "DBSIZE" && arguments == 0) return number(static_cast<long long>(store_.size()));
    if ((name == "DEL" || name == "EXISTS") && arguments >= 1) {
      long long count = 0;
      for (std::size_t at = 1; at < words.size(); ++at)
        count += name == "DEL" ? store_.erase(words[at]) : store_.get(words[at]) != nullptr;
      return number(count);
    }
    if (name == "COMMAND") return reply({"*0"});
    if (name == "CONFIG" && arguments == 2) {
      const std::string none;
      reply({"*2"});
      bulk(&words[2]);
      return bulk(&none);
    }
    reply({"-ERR unknown command, or wrong number of arguments"});
  }

  void increment(std::string key) {
    long long value = 0;
    if (const std::string* text = store_.get(key)) {
      const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
      if (error != std::errc{} || end != text->data() + text->size() || value == std::numeric_limits<long long>::max())
        return reply({"-ERR value is not an integer or out of range"});
    }
    store_.set(std::move(key), std::to_string(++value));
    number(value);
  }

  void reply(std::initializer_list<std::string_view> parts) {
    for (const std::string_view part : parts) reply_ += part;
    reply_ += "\r\n";
  }
  void number(long long value) { reply({":", std::to_string(value)}); }
  void bulk(const std::string* text) {
    if (text == nullptr) return reply({"$-1"});
    reply({"$", std::to_string(text->size()), "\r\n", *text});
  }

  Store store_{64U << 20};
  iocpp::Framing lines_{iocpp::Delimiter{.text = "\n", .drop_carriage_return = true}};
  std::string reply_;  ///< Of the commands that are under way.
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

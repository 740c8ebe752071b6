// A chat: who has said their name hears what everybody says, line by line. A line is one buffer for all of them; who
// does not read, and would make the others' lines pile up, is dropped.
#include <iocpp/iocpp.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace {

using Bytes = std::span<const std::byte>;

struct Guest {
  iocpp::PartialMessage partial;
  std::string name;  ///< Empty until it is known.
};

class Chat : public iocpp::Handler {
 public:
  void on_connect(iocpp::Connection connection) override {
    connection.emplace_context<Guest>();
    connection.send("your name?\n");
  }

  void on_receive(iocpp::Connection connection, Bytes bytes) override {
    Guest& guest = *connection.context<Guest>();
    const auto hear = [&](Bytes line) { this->hear(connection, guest, text_of(line)); };
    if (lines_.read(connection, guest.partial, bytes, hear)) return;
    connection.send("a line has 1,000 characters at most\n");
    connection.close();
  }

  void on_drain(iocpp::Connection connection) override {
    connection.send("the server ends\n");
    connection.close();
  }

  void on_disconnect(iocpp::Connection connection, const iocpp::Disconnect& end) override {
    const Guest& guest = *connection.context<Guest>();
    if (guest.name.empty()) return;
    std::erase_if(guests_, [&](iocpp::Connection each) { return each.id() == connection.id(); });
    const bool dropped = end.reason == iocpp::DisconnectReason::local_abort;
    tell(guest.name + (dropped ? " was dropped: too slow" : " has left"));
  }

 private:
  static constexpr std::size_t name_bytes_max = 20;

  /// Without what could play with somebody's terminal, and without a '\r' at its end.
  static std::string text_of(Bytes line) {
    std::string text{reinterpret_cast<const char*>(line.data()), line.size()};
    std::erase_if(text, [](unsigned char character) { return character < ' ' || character == 127; });
    return text;
  }

  void hear(iocpp::Connection connection, Guest& guest, const std::string& text) {
    if (!guest.name.empty()) return tell(guest.name + ": " + text);
    if (text.empty() || text.size() > name_bytes_max) {
      connection.send("a name has 1 to 20 characters; your name?\n");
      return;
    }
    guest.name = text;
    guests_.push_back(connection);
    tell(guest.name + " is here");
  }

  /// Nothing of this calls back: `guests_` stays as it is until the loop is over.
  void tell(const std::string& text) {
    const Bytes line = std::as_bytes(std::span{text});
    auto bytes = std::make_shared<std::vector<std::byte>>(line.begin(), line.end());
    bytes->push_back(std::byte{'\n'});
    const iocpp::SharedBytes shared = std::move(bytes);
    for (const iocpp::Connection guest : guests_) {
      if (guest.send(shared).above_high_watermark) guest.abort();
    }
  }

  iocpp::Framing lines_{iocpp::Delimiter{.text = "\n", .message_bytes_max = 1'000}};
  std::vector<iocpp::Connection> guests_;  ///< With a name.
};

}  // namespace

int main(int count, char** words) {
  iocpp::Options options = iocpp::Options::public_internet();
  options.port = static_cast<std::uint16_t>(count > 1 ? std::stoul(words[1]) : 50002);
  options.deadlines.first_byte = std::chrono::minutes{1};
  options.deadlines.idle = std::chrono::hours{1};  // some only listen, and nobody speaks
  // So much may wait for a guest: in its queue, and in the system's.
  options.send_queue_bytes_high = 64U << 10;
  options.send_queue_bytes_low = 16U << 10;
  options.socket_send_buffer = 64U << 10;
  Chat chat;
  iocpp::Server server(options, chat);
  std::printf("listening on port %u\n", static_cast<unsigned>(server.port()));
  std::fflush(stdout);
  server.run();
}

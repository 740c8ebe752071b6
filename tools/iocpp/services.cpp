#include "services.hpp"

#include <string_view>

namespace {

/// RFC 862.
struct Echo : iocpp::Handler {
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
};

/// The same in messages of so many bytes: one that has begun must be complete in its time (Deadlines::min_rate_bytes).
class MessageEcho : public iocpp::Handler {
 public:
  explicit MessageEcho(std::size_t message_bytes) : message_bytes_{message_bytes} {}

  void on_connect(iocpp::Connection connection) override { connection.emplace_context<std::size_t>(0); }
  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override {
    connection.send(bytes);
    std::size_t* part = connection.context<std::size_t>();
    if (part == nullptr) return;
    const std::size_t before = *part;
    *part = (before + bytes.size()) % message_bytes_;
    const bool next_began = before == 0 || before + bytes.size() > message_bytes_;
    if (*part == 0) return connection.end_message();
    if (next_began) connection.begin_message();
  }

 private:
  std::size_t message_bytes_;
};

/// RFC 863: what arrives is thrown away, which a handler does by default.
struct Discard : iocpp::Handler {};

/// All lines of RFC 864, of 72 characters each that start one further in the printable ones, several times over: the
/// pattern goes on in order wherever a block follows another, so a connection needs no state of its own.
iocpp::SharedBytes chargen_block() {
  constexpr int first = ' ';
  constexpr int printable = 95;
  constexpr int line_length = 72;
  constexpr int rotations = 9;  // some 63 kB
  auto block = std::make_shared<std::vector<std::byte>>();
  for (int line = 0; line < printable * rotations; ++line) {
    for (int column = 0; column < line_length; ++column) {
      block->push_back(static_cast<std::byte>(first + (line + column) % printable));
    }
    block->push_back(std::byte{'\r'});
    block->push_back(std::byte{'\n'});
  }
  return block;
}

/// RFC 864, at the pace of the reader: as much as the send queue takes, and more when it has drained.
class Chargen : public iocpp::Handler {
 public:
  void on_connect(iocpp::Connection connection) override { fill(connection); }
  void on_writable(iocpp::Connection connection) override { fill(connection); }

 private:
  void fill(iocpp::Connection connection) const {
    iocpp::SendResult result;
    do {
      result = connection.send(block_);
    } while (result.queued && !result.above_high_watermark);
  }

  iocpp::SharedBytes block_ = chargen_block();
};

template <class Handler, class... Arguments>
std::unique_ptr<iocpp::Server> server_of(const iocpp::Options& options, Arguments... arguments) {
  return std::make_unique<iocpp::Server>(options, [=](unsigned) { return std::make_unique<Handler>(arguments...); });
}

}  // namespace

std::unique_ptr<iocpp::Server> make_server(const ServeOptions& serve, const iocpp::Options& options) {
  switch (serve.service) {
    case Service::echo:
      if (serve.message_bytes != 0) return server_of<MessageEcho>(options, serve.message_bytes);
      return server_of<Echo>(options);
    case Service::discard:
      return server_of<Discard>(options);
    case Service::chargen:
      break;
  }
  return server_of<Chargen>(options);
}

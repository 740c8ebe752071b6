// Serves a folder's files by HTTP/1.1: GET and HEAD, connections that are kept, pipelining, entity tags. A file is sent
// by pieces, as fast as its reader takes them, so a connection holds a few of them whatever its size.
#include <iocpp/iocpp.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "answer.hpp"
#include "document.hpp"
#include "request.hpp"

namespace {

struct Visitor {
  RequestReader requests;
  std::string waiting;  ///< Bytes behind a request that is not answered yet.
  std::optional<Document> sending;
  std::uint64_t left = 0;     ///< Of the file that is being sent.
  std::uint64_t request = 0;  ///< The number of the one that is under way.
  bool is_last = false;       ///< The connection ends behind it.
};

class Files : public iocpp::Handler {
 public:
  explicit Files(int folder) : folder_{folder} {}

  void on_connect(iocpp::Connection connection) override { connection.emplace_context<Visitor>(); }

  void on_receive(iocpp::Connection connection, std::span<const std::byte> bytes) override {
    Visitor& visitor = *connection.context<Visitor>();
    const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    if (visitor.sending || !visitor.waiting.empty()) {
      visitor.waiting += text;
      if (visitor.waiting.size() > waiting_bytes_max) connection.abort();
      return;
    }
    const std::string_view rest = answer(connection, visitor, text);
    visitor.waiting.assign(rest);
  }

  void on_writable(iocpp::Connection connection) override {
    Visitor& visitor = *connection.context<Visitor>();
    if (!send_pieces(connection, visitor)) return;
    const std::string text = std::move(visitor.waiting);
    visitor.waiting.assign(answer(connection, visitor, text));
  }

  /// What was asked for is finished; when the server ends, until Options::drain_timeout is over, and a request that has
  /// begun is answered too.
  void on_drain(iocpp::Connection connection) override {
    end(connection, connection.context<Visitor>()->requests.in_request());
  }
  void on_peer_shutdown(iocpp::Connection connection) override { end(connection, false); }

 private:
  using Found = RequestReader::Found;
  static constexpr std::size_t piece_bytes = 64U << 10;
  static constexpr std::size_t waiting_bytes_max = 1U << 20;

  static void end(iocpp::Connection connection, bool is_asked) {
    Visitor& visitor = *connection.context<Visitor>();
    visitor.is_last = true;
    if (!visitor.sending && !is_asked) connection.close();
  }

  /// Answers the requests in `bytes`, until one has to wait for its reader; what is left of them comes back.
  std::string_view answer(iocpp::Connection connection, Visitor& visitor, std::string_view bytes) const {
    while (!bytes.empty() && !visitor.sending && connection.is_open()) {
      const Found found = visitor.requests.read(bytes);
      if (found == Found::error) {
        visitor.is_last = true;
        send_head(connection, visitor, {"400 Bad Request", "Content-Length: 0\r\n"});
        connection.close();
      } else if (found == Found::request) {
        visitor.is_last = visitor.is_last || !visitor.requests.request().keeps_alive;
        answer_one(connection, visitor);
      }
    }
    if (!visitor.requests.in_request()) {
      connection.end_message();
    } else if (std::exchange(visitor.request, visitor.requests.begun()) != visitor.requests.begun()) {
      connection.begin_message();  // it must come at Deadlines::min_rate_bytes
    }
    return connection.is_open() ? bytes : std::string_view{};
  }

  void answer_one(iocpp::Connection connection, Visitor& visitor) const {
    const Request& request = visitor.requests.request();
    Answer answer = answer_to(request, folder_);
    send_head(connection, visitor, answer);
    if (request.method == HTTP_HEAD) return finish(connection, visitor);
    connection.send(answer.text);
    if (!answer.document) return finish(connection, visitor);
    visitor.left = answer.document->size;
    visitor.sending = std::move(answer.document);
    send_pieces(connection, visitor);
  }

  /// False: its reader is slow, and `on_writable` goes on; or the file has become shorter.
  bool send_pieces(iocpp::Connection connection, Visitor& visitor) const {
    while (visitor.sending && visitor.left != 0) {
      std::vector<std::byte> piece(std::min<std::uint64_t>(piece_bytes, visitor.left));
      const ssize_t size = ::read(visitor.sending->file.get(), piece.data(), piece.size());
      if (size <= 0) {
        connection.abort();
        return false;
      }
      piece.resize(static_cast<std::size_t>(size));
      visitor.left -= piece.size();
      const iocpp::SendResult result = connection.send(std::move(piece));
      if (!result.queued || result.above_high_watermark) return false;
    }
    if (visitor.sending) finish(connection, visitor);
    return true;
  }

  static void finish(iocpp::Connection connection, Visitor& visitor) {
    visitor.sending.reset();
    if (visitor.is_last) connection.close();
  }

  static void send_head(iocpp::Connection connection, const Visitor& visitor, const Answer& answer) {
    const bool says_that_it_is_kept = !visitor.is_last && visitor.requests.request().minor_version_0;
    connection.send(head_of(answer, visitor.is_last ? "close" : says_that_it_is_kept ? "keep-alive" : ""));
  }

  int folder_;
};

}  // namespace

int main(int count, char** words) {
  const char* path = count > 1 ? words[1] : ".";
  const Descriptor folder{::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (folder.get() < 0) throw std::system_error(errno, std::generic_category(), path);
  iocpp::Options options = iocpp::Options::public_internet();
  options.port = static_cast<std::uint16_t>(count > 2 ? std::stoul(words[2]) : 50004);
  options.deadlines.first_byte = std::chrono::seconds{10};
  iocpp::Server server(options, [&folder](unsigned /*shard*/) { return std::make_unique<Files>(folder.get()); });
  std::printf("listening on port %u\n", static_cast<unsigned>(server.port()));
  std::fflush(stdout);
  server.run();
}

#include "server/echo_load.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "server/client.hpp"

namespace iocpp::tests {
namespace {

constexpr std::size_t piece_max = 65'536;
constexpr std::size_t period = 65'521;  // prime: no power of two hides a shift
constexpr int patience_ms = 30'000;

/// Any piece of a stream of `period` repeated bytes lies together in it.
class Stream {
 public:
  Stream() : bytes_{pattern(period)} { bytes_ += bytes_.substr(0, piece_max - 1) + bytes_.substr(0, piece_max); }
  std::string_view piece(std::size_t offset, std::size_t size) const {
    return std::string_view{bytes_}.substr(offset % period, size);
  }

 private:
  std::string bytes_;
};

/// One connection: its stream begins at an offset of its own, so that bytes of another one are seen.
struct Line {
  Client client;
  std::size_t begin;
  std::size_t sent = 0;
  std::size_t back = 0;
  bool ended = false;
};

class Run {
 public:
  Run(std::uint16_t port, const EchoLoad& load, std::uint32_t seed)
      : load_{load}, total_{load.messages * load.message_bytes}, random_{seed} {
    for (std::size_t index = 0; index < load.connections; ++index) {
      lines_.push_back({Client{port}, index * 7'919});
      const SocketHandle descriptor = lines_.back().client.descriptor();
      set_non_blocking(descriptor);
      polls_.push_back({.fd = descriptor, .events = 0, .revents = 0});
    }
  }

  std::string run() {
    std::size_t open = lines_.size();
    while (open != 0) {
      for (std::size_t index = 0; index < lines_.size(); ++index) polls_[index].events = interest(lines_[index]);
      if (poll_sockets(polls_.data(), polls_.size(), patience_ms) <= 0) return "nothing came any more";
      for (std::size_t index = 0; index < lines_.size(); ++index) {
        Line& line = lines_[index];
        if (line.ended || polls_[index].revents == 0) continue;
        if (std::string wrong = step(line, polls_[index].revents); !wrong.empty()) return wrong;
        if (line.ended) {
          polls_[index].fd = no_socket;
          --open;
        }
      }
    }
    return {};
  }

 private:
  std::size_t may_send(const Line& line) const {
    return std::min(total_, line.back + load_.depth * load_.message_bytes) - line.sent;
  }

  short interest(const Line& line) const { return static_cast<short>(may_send(line) != 0 ? POLLIN | POLLOUT : POLLIN); }

  /// From 1 byte to 64 KiB, small ones as often as large ones.
  std::size_t piece_size(std::size_t most) {
    const std::size_t size = std::size_t{1} << (random_() % 17);
    return std::min(most, 1 + (size + random_() % size) / 2);
  }

  std::string step(Line& line, short ready) {
    if ((ready & POLLOUT) != 0) {
      const std::string_view piece =
          stream_.piece(line.begin + line.sent, piece_size(std::min(may_send(line), piece_max)));
      const std::ptrdiff_t sent = send_bytes(line.client.descriptor(), piece.data(), piece.size());
      if (sent < 0 && socket_error() != error_would_block) return "send: " + socket_error_text();
      line.sent += static_cast<std::size_t>(std::max<std::ptrdiff_t>(sent, 0));
      if (line.sent == total_) line.client.end_stream();
    }
    return (ready & (POLLIN | POLLHUP | POLLERR)) != 0 ? receive(line) : std::string{};
  }

  std::string receive(Line& line) {
    const std::ptrdiff_t received = receive_bytes(line.client.descriptor(), buffer_.data(), piece_size(piece_max));
    if (received < 0) return socket_error() == error_would_block ? std::string{} : "receive: " + socket_error_text();
    if (received == 0) {
      line.ended = true;
      return line.back == total_ ? std::string{} : "the stream ended after " + std::to_string(line.back) + " bytes";
    }
    const auto size = static_cast<std::size_t>(received);
    if (line.back + size > line.sent) return "more came back than was sent";
    if (stream_.piece(line.begin + line.back, size) != std::string_view{buffer_.data(), size}) {
      return "wrong bytes after " + std::to_string(line.back);
    }
    line.back += size;
    return {};
  }

  EchoLoad load_;
  std::size_t total_;
  std::minstd_rand random_;
  Stream stream_;
  std::vector<Line> lines_;
  std::vector<PollEntry> polls_;
  std::array<char, piece_max> buffer_;
};

}  // namespace

std::string run_echo_load(std::uint16_t port, const EchoLoad& load, std::uint32_t seed) {
  return Run{port, load, seed}.run();
}

}  // namespace iocpp::tests

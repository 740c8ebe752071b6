// Echo on epoll without a library: edge-triggered, one buffer for all connections, two system calls a message.
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "listener.hpp"

namespace {

struct Connection {
  int socket;
  std::vector<char> unsent;  // what the peer was too slow for; nothing is read meanwhile
  bool ended = false;
};

class Server {
 public:
  explicit Server(const bench::Arguments& arguments)
      : mode_{arguments.mode}, listener_{bench::listen_on(arguments.port, SOCK_NONBLOCK)} {
    watch(listener_, nullptr);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 1024> events;
    for (;;) {
      int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int index = 0; index < count; ++index) {
        auto& event = events[static_cast<std::size_t>(index)];
        if (event.data.ptr == nullptr) {
          accept_all();
        } else {
          serve(static_cast<Connection*>(event.data.ptr), event.events);
        }
      }
    }
  }

 private:
  // Each connection is registered once, for both directions: edges make changes of the registration unnecessary.
  void watch(int socket, Connection* connection) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP | EPOLLET | (connection != nullptr ? EPOLLOUT : 0U);
    event.data.ptr = connection;
    bench::check(epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event), "epoll_ctl");
  }

  void accept_all() {
    for (;;) {
      int socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket >= 0) {
        watch(socket, new Connection{.socket = socket, .unsent = {}});
      } else if (errno == EAGAIN) {
        return;
      } else if (errno != ECONNABORTED) {
        bench::check(socket, "accept");
      }
    }
  }

  void serve(Connection* connection, unsigned events) {
    if (!connection->unsent.empty()) send_unsent(*connection);
    if (connection->unsent.empty() && !connection->ended && (events & ~EPOLLOUT) != 0) read(*connection, events);
    if (connection->ended) {
      close(connection->socket);
      delete connection;
    }
  }

  // A read that did not fill the buffer has emptied the socket (epoll(7), question 9), unless the peer has ended its
  // stream: that edge may have come with the bytes.
  void read(Connection& connection, unsigned events) {
    for (;;) {
      ssize_t count = recv(connection.socket, buffer_.data(), buffer_.size(), 0);
      if (count <= 0) {
        connection.ended = count == 0 || errno != EAGAIN;
        return;
      }
      auto bytes = static_cast<std::size_t>(count);
      if (mode_ == bench::Mode::echo && !send(connection, buffer_.data(), bytes)) return;
      if (bytes < buffer_.size() && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
    }
  }

  bool send(Connection& connection, const char* bytes, std::size_t size) {
    ssize_t sent = ::send(connection.socket, bytes, size, MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(size)) return true;
    if (sent < 0 && errno != EAGAIN) {
      connection.ended = true;
    } else {
      connection.unsent.assign(bytes + (sent > 0 ? sent : 0), bytes + size);
    }
    return false;
  }

  void send_unsent(Connection& connection) {
    std::vector<char> bytes;
    bytes.swap(connection.unsent);
    if (send(connection, bytes.data(), bytes.size())) read(connection, EPOLLRDHUP);
  }

  bench::Mode mode_;
  int epoll_ = bench::check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  int listener_;
  std::array<char, 262144> buffer_;
};

}  // namespace

int main(int count, char** words) {
  auto server = std::make_unique<Server>(bench::parse_arguments(count, words));
  server->run();
}

// Sockets that listened before the server was made: a parent's, systemd's.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "server/live_server.hpp"

namespace iocpp::tests {
namespace {

/// Listening sockets of one address on loopback. They are the server's once it has them.
std::vector<std::intptr_t> listening(std::size_t count) {
  std::vector<std::intptr_t> sockets;
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  while (sockets.size() < count) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
    EXPECT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), length), 0);
    EXPECT_EQ(::listen(socket, 100), 0);
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
    sockets.push_back(socket);
  }
  return sockets;
}

Options inheriting(std::vector<std::intptr_t> sockets, unsigned shards = 1) {
  Options options;
  options.shards = shards;
  options.listen = {{.inherited = std::move(sockets)}};
  return options;
}

TEST(Inherited, a_socket_serves_who_waited_on_it_and_is_closed_in_the_end) {
  Journal journal;
  journal.received = echo;
  const std::vector<std::intptr_t> sockets = listening(1);
  const int socket = static_cast<int>(sockets.front());
  sockaddr_in address{};
  socklen_t length = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
  Client early{ntohs(address.sin_port)};
  LiveServer server{journal, inheriting(sockets)};
  EXPECT_EQ(server->port(), ntohs(address.sin_port));
  EXPECT_EQ(early.echo("early"), "early");
  EXPECT_EQ(server.connect().echo("late"), "late");
  EXPECT_EQ(::fcntl(socket, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  server.stop();
  EXPECT_THROW(Client{ntohs(address.sin_port)}, std::runtime_error);
}

// The accepting thread took clients, and placed them on a shard that could not be set up.
TEST(Inherited, a_server_that_can_not_start_takes_nobody_from_a_socket_that_others_have) {
  Journal journal;
  journal.received = echo;
  const std::vector<std::intptr_t> sockets = listening(1);
  const int shared = ::fcntl(static_cast<int>(sockets.front()), F_DUPFD_CLOEXEC, 0);
  Options options = inheriting(sockets, 2);
  options.on_thread_start = [](unsigned number) {
    if (number == 1) throw std::runtime_error{"no"};
  };
  Server stillborn{options, journal};
  std::vector<Client> waiting;
  for (int count = 0; count < 20; ++count) waiting.emplace_back(stillborn.port());
  EXPECT_THROW(stillborn.start(), std::runtime_error);
  EXPECT_EQ(stillborn.counters().accepted, 0U);
  LiveServer server{journal, inheriting({shared})};
  for (Client& client : waiting) EXPECT_EQ(client.echo("served"), "served");
}

// io_uring's drain made them blocking again, as it had found them: who shared them could wait in an accept for ever.
TEST(Inherited, a_socket_is_non_blocking_for_good) {
  Journal journal;
  const std::vector<std::intptr_t> sockets = listening(1);
  const int shared = ::fcntl(static_cast<int>(sockets.front()), F_DUPFD_CLOEXEC, 0);
  LiveServer server{journal, inheriting(sockets)};
  EXPECT_EQ(::fcntl(shared, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  server.stop();
  EXPECT_EQ(::fcntl(shared, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  ::close(shared);
}

TEST(Inherited, fewer_sockets_than_shards_imply_the_accepting_thread) {
  Journal journal;
  LiveServer server{journal, inheriting(listening(1), 3)};
  EXPECT_EQ(server.counters().listeners_open, 1U);
  std::vector<Client> clients;
  for (std::size_t count = 1; count <= 9; ++count) {
    clients.push_back(server.connect());
    journal.wait_for(Told::connect, count);
  }
  std::map<unsigned, int> by_shard;
  for (const Entry& entry : journal.all(Told::connect)) ++by_shard[entry.id.shard()];
  EXPECT_EQ(by_shard, (std::map<unsigned, int>{{0, 3}, {1, 3}, {2, 3}}));
}

TEST(Inherited, of_more_sockets_than_shards_no_queue_is_left_unread) {
  Journal journal;
  journal.received = echo;
  LiveServer server{journal, inheriting(listening(5), 2)};
  EXPECT_EQ(server.counters().listeners_open, 5U);
  // A client's port decides whose queue it comes to: of 200, none leaves one of five out.
  for (int count = 0; count < 200; ++count) EXPECT_EQ(server.connect().echo("a"), "a");
}

TEST(Inherited, a_listener_has_a_handler_of_its_own_whichever_of_its_sockets_a_client_came_by) {
  Journal own;
  own.received = [](Connection connection, std::span<const std::byte>) { connection.send("own"); };
  Journal journal;
  journal.received = [](Connection connection, std::span<const std::byte>) { connection.send("all"); };
  Options options;
  options.listen = {{.inherited = listening(3)}, {.handler = &own, .inherited = listening(3)}};
  Server server{on_loopback(options), journal};
  server.start();
  for (int count = 0; count < 50; ++count) {
    EXPECT_EQ((Client{server.address(0).port}).echo("who"), "all");
    EXPECT_EQ((Client{server.address(1).port}).echo("who"), "own");
  }
  server.request_drain(std::chrono::milliseconds{0});
  server.wait();
}

int option_of(int socket, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(socket, level, name, &value, &length), 0);
  return value;
}

// The second server found none of its addresses at the path; with that it changed the options of the first one's.
TEST(Inherited, sockets_can_be_handed_over_to_a_server_that_has_inherited_them_too) {
  Journal old_journal;
  Journal new_journal;
  old_journal.received = new_journal.received = echo;
  const std::vector<std::intptr_t> sockets = listening(1);
  const int shared = ::fcntl(static_cast<int>(sockets.front()), F_DUPFD_CLOEXEC, 0);
  const int again = ::fcntl(shared, F_DUPFD_CLOEXEC, 0);
  Options options = inheriting(sockets);
  options.hand_over_path = "/tmp/iocpp-inherited-" + std::to_string(::getpid());
  options.drain_timeout = std::chrono::hours{1};
  LiveServer old{old_journal, options};
  EXPECT_EQ(option_of(shared, IPPROTO_TCP, TCP_NODELAY), 1);
  options.listen = {{.inherited = {again}}};
  options.tcp_nodelay = false;
  Server successor{options, new_journal};
  EXPECT_TRUE(successor.took_over());
  EXPECT_EQ(option_of(shared, IPPROTO_TCP, TCP_NODELAY), 1) << "it is the old server's until the new one serves";
  successor.start();
  EXPECT_EQ(option_of(shared, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_TRUE(old->wait().handed_over);
  for (int count = 0; count < 20; ++count) EXPECT_EQ((Client{successor.port()}).echo("after"), "after");
  EXPECT_EQ(successor.counters().accepted, 20U);
  successor.request_drain(std::chrono::milliseconds{0});
  successor.wait();
  ::close(shared);
}

/// What the constructor says of a handle.
std::string fault_of(std::vector<std::intptr_t> handles) {
  Journal journal;
  try {
    const Server server{on_loopback(inheriting(std::move(handles))), journal};
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), errc::invalid_argument);
    return error.what();
  }
  return "nothing";
}

TEST(Inherited, what_can_not_be_accepted_from_is_refused_with_the_reason_and_stays_the_callers) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  EXPECT_NE(fault_of({pipe[0]}).find("not a socket"), std::string::npos);
  const int datagrams = ::socket(AF_INET, SOCK_DGRAM, 0);
  EXPECT_NE(fault_of({datagrams}).find("not a TCP socket"), std::string::npos);
  const int deaf = ::socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_NE(fault_of({deaf}).find("not a listening socket"), std::string::npos);
  for (const int handle : {pipe[0], pipe[1], datagrams, deaf}) EXPECT_EQ(::close(handle), 0);
  EXPECT_NE(fault_of({deaf}).find("not open"), std::string::npos);

  const std::vector<std::intptr_t> one = listening(1);
  const std::vector<std::intptr_t> other = listening(1);
  EXPECT_NE(fault_of({one[0], other[0]}).find("one Listen has one address"), std::string::npos);
  for (const std::intptr_t handle : {one[0], other[0]}) EXPECT_EQ(::close(static_cast<int>(handle)), 0);
}

/// While it lives, handles 3 and 4 of this process are listening sockets, and the environment says so.
class SocketsOfSystemd {
 public:
  explicit SocketsOfSystemd(const std::vector<std::intptr_t>& sockets, int process = ::getpid()) {
    for (std::size_t at = 0; at < sockets.size(); ++at) {
      saved_.push_back(::fcntl(first + static_cast<int>(at), F_DUPFD_CLOEXEC, 100));
      const int moved = ::fcntl(static_cast<int>(sockets[at]), F_DUPFD, 100);
      ::close(static_cast<int>(sockets[at]));
      moved_.push_back(moved);
    }
    for (std::size_t at = 0; at < moved_.size(); ++at) {
      ::dup2(moved_[at], first + static_cast<int>(at));
      ::close(moved_[at]);
    }
    ::setenv("LISTEN_PID", std::to_string(process).c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(sockets.size()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", "web:admin", 1);
  }
  SocketsOfSystemd(const SocketsOfSystemd&) = delete;
  SocketsOfSystemd& operator=(const SocketsOfSystemd&) = delete;
  ~SocketsOfSystemd() {
    for (std::size_t at = 0; at < saved_.size(); ++at) {
      const int handle = first + static_cast<int>(at);
      saved_[at] >= 0 ? static_cast<void>(::dup3(saved_[at], handle, O_CLOEXEC)) : static_cast<void>(::close(handle));
      if (saved_[at] >= 0) ::close(saved_[at]);
    }
  }

  static constexpr int first = 3;

 private:
  std::vector<int> saved_;
  std::vector<int> moved_;
};

TEST(Systemd, gives_listeners_with_their_names_once) {
  const SocketsOfSystemd systemd{{listening(1)[0], listening(1)[0]}};
  const std::vector<Listen> listeners = listeners_from_systemd();
  ASSERT_EQ(listeners.size(), 2U);
  EXPECT_EQ(listeners[0].name, "web");
  EXPECT_EQ(listeners[0].inherited, std::vector<std::intptr_t>{3});
  EXPECT_EQ(listeners[1].name, "admin");
  EXPECT_EQ(listeners[1].inherited, std::vector<std::intptr_t>{4});
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr) << "a child would take them for its own";
  EXPECT_TRUE(listeners_from_systemd().empty());
}

TEST(Systemd, sockets_of_one_address_are_one_listener) {
  const SocketsOfSystemd systemd{listening(2)};
  const std::vector<Listen> listeners = listeners_from_systemd();
  ASSERT_EQ(listeners.size(), 1U);
  EXPECT_EQ(listeners[0].inherited, (std::vector<std::intptr_t>{3, 4}));
}

TEST(Systemd, sockets_that_were_another_processs_are_none) {
  const SocketsOfSystemd systemd{listening(1), ::getppid()};
  EXPECT_TRUE(listeners_from_systemd().empty());
}

TEST(Systemd, says_what_is_wrong) {
  const SocketsOfSystemd systemd{{::socket(AF_INET, SOCK_STREAM, 0)}};
  try {
    listeners_from_systemd();
    FAIL() << "a socket that does not listen was taken";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string{error.what()}.find("handle 3 (web): not a listening socket (in a systemd unit: Accept=no"),
              std::string::npos)
        << error.what();
  }
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDS", "many", 1);
  EXPECT_THROW(listeners_from_systemd(), std::system_error);
}

}  // namespace
}  // namespace iocpp::tests

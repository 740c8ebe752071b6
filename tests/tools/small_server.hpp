// A small server that can misbehave, for tests of the load client.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "stress/socket.hpp"
#include "support/socket_api.hpp"

/// What a `SmallServer` does; by default, it echoes and ends a connection when its peer has.
struct Behaviour {
  enum class End { in_order, reset };

  int backlog = 16;  ///< Connections that the system completes before they are accepted.
  std::uint64_t accepts_max = std::numeric_limits<std::uint64_t>::max();  ///< Never accepts another one then.
  bool answers = true;                                                    ///< False: reads and throws away.
  bool reads = true;                                                      ///< False: never reads.
  std::string greeting;                                                   ///< What each connection is told first.
  std::optional<std::size_t> flip_at;    ///< One bit of each connection's byte at this offset comes back wrong.
  std::optional<std::size_t> end_after;  ///< Ends each connection after it has echoed so many bytes; 0: at once.
  End end = End::in_order;               ///< How it ends them.
  bool reset_at_peers_end = false;       ///< Answers the peer's end with a reset.
};

/// Listens on a free port of 127.0.0.1 and serves on a thread of its own, with poll, until it is destroyed.
class SmallServer {
 public:
  explicit SmallServer(Behaviour behaviour = {});
  ~SmallServer();

  stress::SocketAddress address() const;
  std::string name() const;  ///< `127.0.0.1:50000`, for a command line.
  std::uint64_t accepted() const { return accepted_.load(); }
  std::uint64_t bytes_received() const { return received_.load(); }

 private:
  using Handle = iocpp::tests::SocketHandle;

  struct Connection {
    std::vector<char> to_send;
    std::size_t echoed = 0;
    bool peer_ended = false;
  };

  void serve();
  void accept_one();
  /// Returns false when the connection is over.
  bool serve_connection(Handle handle, Connection& connection);
  bool receive(Handle handle, Connection& connection);
  bool send(Handle handle, Connection& connection);
  bool end(Handle handle, bool reset);

  Behaviour behaviour_;
  iocpp::tests::Descriptor listener_;
  iocpp::tests::Descriptor stop_;  ///< Listens too: a client there means the end.
  std::uint16_t port_ = 0;
  std::unordered_map<Handle, Connection> connections_;
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> received_{0};
  std::thread thread_;
};

/// The address of a port that is taken and on which nobody listens: connections are refused.
class RefusingPort {
 public:
  RefusingPort();
  ~RefusingPort();
  stress::SocketAddress address() const;
  std::string name() const;

 private:
  iocpp::tests::Descriptor handle_;
};

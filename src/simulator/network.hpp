// The simulated network, and the sockets of the simulated process at its one end.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "iocpp/address.hpp"
#include "simulator/byte_ring.hpp"
#include "simulator/handles.hpp"
#include "simulator/pool.hpp"
#include "simulator/schedule.hpp"

namespace iocpp::simulator {

class Machine;

/// Bytes in one direction: those that have arrived, then those on their way.
struct Pipe {
  ByteRing bytes;
  std::size_t arrived = 0;
  std::size_t capacity = 0;
  bool ended = false;        ///< The sender has ended its stream; after the bytes ...
  bool end_arrived = false;  ///< ... and the receiver knows.
  bool moving = false;       ///< An arrival is scheduled.
  bool awaited = false;      ///< The sender waits for room.

  std::size_t room() const noexcept { return capacity - bytes.size(); }
  bool on_the_way() const noexcept { return bytes.size() != arrived || (ended && !end_arrived); }
  bool drained() const noexcept { return end_arrived && bytes.empty(); }
};

/// One TCP connection.
struct Link {
  std::uint32_t generation = 1;
  std::uint32_t peer = 0;             ///< The client's number.
  std::uint32_t number = 0;           ///< Of all connections, this one's: its address is made of it.
  std::uint32_t socket = no_index;    ///< The server's, once it was accepted.
  std::uint32_t listener = no_index;  ///< In whose backlog it is.
  std::uint32_t next = no_index;      ///< In the backlog.
  bool peer_open = false;             ///< The client has its end.
  bool peer_listens = false;          ///< ... and has not shut it for good: false answers what arrives with a reset.
  bool server_open = false;           ///< The server, or its backlog, has the other.
  bool reset_at_server = false;       ///< A reset has arrived.
  bool error_told = false;            ///< ... and a call has reported it.
  bool reset_at_peer = false;
  bool reset_on_the_way = false;  ///< To the server; what is behind it is lost.
  bool was_established = false;
  TimePoint established_at{};
  std::uint8_t tries = 0;     ///< To get into a backlog.
  bool served = false;        ///< A handler has it, or had.
  bool spoiled = false;       ///< A fault has hit it: it owes nobody anything.
  int error = 0;              ///< Of the reset, as the server's system names it.
  std::uint64_t written = 0;  ///< Bytes that the server's system has taken from it.
  std::uint64_t read = 0;     ///< ... and that it has read.
  std::uint32_t header = 0;   ///< So many of them are what a proxy says first; 0: there is no proxy.
  bool header_is_good = false;
  Address client{};  ///< ... whom it names; `Family::none`: nobody.
  TimePoint accepted_at{};
  bool closed_on = false;                 ///< The server has closed it, whatever the client still wants.
  std::optional<std::uint64_t> promised;  ///< The handler answers so many bytes and no more.
  std::uint32_t shortages = 0;            ///< In a row.
  TimePoint short_since{};
  TimePoint short_at{};                ///< The last one.
  std::uint64_t transfers_before = 0;  ///< ... all connections'.
  Pipe to_server;
  Pipe to_peer;
};

/// What wants to know that something has changed on a socket: the part of the system that serves its loop.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void changed(std::uint32_t socket) = 0;
};

/// A client program; told by number.
class Client {
 public:
  virtual ~Client() = default;
  virtual void link_changed(std::uint32_t peer) = 0;
};

/// What a handle names. It lives as long as its handle is open or an operation holds it, as files do in Linux.
struct Socket {
  enum class Kind : std::uint8_t { free, other, listener, fresh, stream };

  std::uint32_t generation = 1;
  Kind kind = Kind::free;
  bool reset_on_close = false;
  bool closed_by_fault = false;  ///< An operation may hold it for longer.
  bool closed_owing = false;     ///< By the server, when who waits there was to be accepted first.
  bool nonblocking = false;
  bool needs_context = false;  ///< IOCP: accepted, and SO_UPDATE_ACCEPT_CONTEXT was not called.
  bool skips_packets = false;  ///< IOCP
  std::uint16_t port = 0;      ///< IOCP: the loop that it is associated with, plus one.
  std::uint32_t references = 0;
  std::uint32_t link = no_index;           ///< stream
  std::uint32_t first_waiting = no_index;  ///< listener: its backlog, a list through the links
  std::uint32_t last_waiting = no_index;
  std::uint32_t waiting = 0;
  std::uint32_t first_operation = no_index;  ///< The observer's.
  NativeHandle handle = no_handle;           ///< no_handle: closed.
  Observer* observer = nullptr;
};

struct NetworkHabits {
  std::chrono::nanoseconds latency_max = std::chrono::microseconds{200};
  std::size_t receive_buffer = 64U << 10;
  std::size_t send_buffer = 64U << 10;
  std::uint32_t backlog = 128;
  std::uint32_t addresses = 1;  ///< Of clients, who take turns.
  bool splits = true;           ///< What is sent at once may arrive in parts.
};

class Network {
 public:
  Network(Machine& machine, const NetworkHabits& habits, unsigned handle_stride, std::size_t handle_limit);

  void set_client(Client& client) noexcept { client_ = &client; }
  /// From now on there is no fault that would excuse a lost client.
  void heal() noexcept { healed_ = true; }
  /// Until then a listener is not closed with clients in its backlog, unless a fault closes it.
  void drains(TimePoint until) noexcept { drains_until_ = until; }
  /// As foreign code closes what is not its own.
  void close_by_fault(NativeHandle handle) {
    if (Socket* socket = find(handle)) socket->closed_by_fault = true;
    close(handle);
  }
  void on_event(const Event& event);

  // The server's end.
  /// A listener on the one address; several share it. no_handle at the handle limit.
  NativeHandle listen();
  NativeHandle open_other(Socket::Kind kind);
  Socket* find(NativeHandle handle) noexcept {
    const std::uint32_t index = handles_.socket_of(handle);
    return index == no_index ? nullptr : &sockets_[index];
  }
  std::uint32_t index_of(NativeHandle handle) const noexcept { return handles_.socket_of(handle); }
  Socket& socket(std::uint32_t index) noexcept { return sockets_[index]; }
  Link& link(std::uint32_t index) noexcept { return links_[index]; }
  Link& link_of(const Socket& socket) noexcept { return links_[socket.link]; }
  void hold(std::uint32_t socket) noexcept { ++sockets_[socket].references; }
  void let_go(std::uint32_t socket);
  /// False: it names nothing.
  bool close(NativeHandle handle);
  /// Closes what the handle names, and names something of no use by it, in one call (dup3).
  bool close_into_other(NativeHandle handle);
  /// Takes the first client of a backlog. `socket`: the one that becomes its, or `no_index` for a new one. no_handle
  /// where nobody waits; the handle limit is the caller's business.
  NativeHandle accept(std::uint32_t listener, std::uint32_t socket = no_index);
  /// The first client of a backlog is lost to a fault.
  void drop_waiting(std::uint32_t listener);
  void end_stream(Socket& socket);
  std::size_t read(Link& link, std::byte* to, std::size_t most);
  /// As much as there is room for.
  std::size_t write(std::uint32_t link, std::span<const std::byte> bytes);
  void reset_by_fault(std::uint32_t link, int error);
  /// A receive or send lacks memory or buffers: it must not be tried again and again.
  void fell_short(Link& link);
  Address peer_address(const Link& link) const noexcept;
  /// Of the client behind a proxy. Each peer's is another's, for limits too.
  Address client_address(const Link& link) const noexcept;
  /// A client that waits to be met, or is met now: not for too long, unless something is in the way.
  void note_wait(const Link& link);
  /// What is wrong with the lists, or nothing.
  std::string_view flaw();
  /// Which of the addresses a connection of this number has.
  std::uint32_t address_of(std::uint32_t number) const noexcept { return number % habits_.addresses; }

  Handles& handles() noexcept { return handles_; }
  std::span<const std::uint32_t> listeners() const noexcept { return listening_; }
  std::uint32_t links_in_use() const noexcept { return links_.in_use(); }
  std::uint32_t sockets_in_use() const noexcept { return sockets_.in_use(); }
  std::uint64_t accepted() const noexcept { return accepted_; }

  // The client's end.
  std::uint32_t connect(std::uint32_t peer);
  std::size_t peer_write(std::uint32_t link, std::span<const std::byte> bytes);
  std::size_t peer_read(std::uint32_t link, std::byte* to, std::size_t most);
  void peer_end(std::uint32_t link);
  /// Like close(2): a reset where input is unread.
  void peer_close(std::uint32_t link);
  void peer_reset(std::uint32_t link);
  /// The client's machine is gone, without a word.
  void peer_vanish(std::uint32_t link);

 private:
  void note_transfer(Link& link) noexcept;
  std::uint32_t make_socket(Socket::Kind kind);
  void establish(std::uint32_t index);
  void arrive_at_server(std::uint32_t index);
  void arrive_at_peer(std::uint32_t index);
  void reset_reaches_server(std::uint32_t index, int error);
  void reset_reaches_peer(std::uint32_t index);
  bool move(Pipe& pipe);
  void send_on(Pipe& pipe, std::uint32_t index, EventKind kind);
  void tell_server(const Link& link);
  void tell_peer(const Link& link);
  void server_leaves(std::uint32_t index, bool reset);
  void peer_leaves(std::uint32_t index);
  void free_if_unused(std::uint32_t index);
  void end_listening(std::uint32_t socket);

  Machine& machine_;
  std::uint64_t transfers_ = 0;  // receives and sends that moved bytes
  NetworkHabits habits_;
  Handles handles_;
  Pool<Socket> sockets_;
  Pool<Link> links_;
  std::vector<std::uint32_t> listening_;  // sockets
  Client* client_ = nullptr;
  std::uint32_t connections_ = 0;
  std::uint64_t accepted_ = 0;
  TimePoint drains_until_{};
  bool healed_ = false;
};

}  // namespace iocpp::simulator

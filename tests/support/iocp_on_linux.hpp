// Completion ports over Linux's loopback: a `Sys` for iocp::Port with IOCP's habits, so that the port which ships runs
// under the sanitizers.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "backend/iocp/kernel.hpp"
#include "base/clock.hpp"
#include "base/native_handle.hpp"
#include "iocpp/address.hpp"
#include "support/peer.hpp"

namespace iocpp::tests {

/// How this system's ports behave where Windows leaves it open.
struct IocpHabits {
  bool at_once = false;       ///< Operations that can complete in the posting call do; otherwise they become pending.
  bool skips_packets = true;  ///< The provider's sockets can be told to post no packet for those.
};

/// What it checks itself, since Windows would only sometimes punish it: a socket belongs to one port, and to one before
/// its first operation; an accepted socket has its context before anything else is done to it.
class IocpOnLinux {
 public:
  explicit IocpOnLinux(IocpHabits habits = {});
  IocpOnLinux(const IocpOnLinux&) = delete;
  IocpOnLinux& operator=(const IocpOnLinux&) = delete;

  int associate(NativeHandle socket);
  int wait(std::span<iocp::kernel::Entry> entries, std::uint32_t& count, std::uint32_t milliseconds);
  int post_wake();
  bool provider_has_system_handles() const noexcept { return habits_.skips_packets; }
  int skip_packet_on_success(NativeHandle socket);
  static int error_of(const iocp::kernel::Overlapped& ended) noexcept { return static_cast<int>(ended.status); }

  int family_of(NativeHandle listener, int& family);
  int find_accept(NativeHandle) noexcept { return 0; }
  NativeHandle make_socket(int family, int& error);
  int accept(NativeHandle listener, NativeHandle socket, std::byte* addresses, iocp::kernel::Overlapped& overlapped);
  int update_accept_context(NativeHandle socket, NativeHandle listener);
  NativeHandle accept_now(NativeHandle listener, int& error);

  int receive(NativeHandle socket, std::span<std::byte> room, std::uint32_t* received,
              iocp::kernel::Overlapped& overlapped);
  int receive_now(NativeHandle socket, std::span<std::byte> room, std::uint32_t& received);
  int send(NativeHandle socket, std::span<const iocp::kernel::Buffer> buffers, std::uint32_t* sent,
           iocp::kernel::Overlapped& overlapped);
  int cancel(NativeHandle socket, iocp::kernel::Overlapped* overlapped);

  int set_nonblocking(NativeHandle socket);
  int set_nodelay(NativeHandle socket);
  int set_keepalive(NativeHandle socket, std::uint32_t idle_seconds);
  int set_receive_buffer(NativeHandle socket, int bytes);
  int set_send_buffer(NativeHandle socket, int bytes);
  void end_stream(NativeHandle socket);
  void reset_on_close(NativeHandle socket);
  void close_now(NativeHandle socket);
  TimePoint now() const noexcept;
  void pause() noexcept;
  static int peer_name(NativeHandle socket, Address& address) noexcept;

  /// Operations that were posted and have no packet yet.
  std::size_t pending() const noexcept { return pending_.size(); }

 protected:
  void set_habits(IocpHabits habits) noexcept { habits_ = habits; }
  IocpHabits habits() const noexcept { return habits_; }
  /// A packet of an operation that ended with `error`.
  void complete(iocp::kernel::Overlapped& overlapped, int error, std::uint32_t bytes = 0);

 private:
  enum class Kind : std::uint8_t { accept, receive, send };
  struct Pending {
    Kind kind;
    int socket;
    iocp::kernel::Overlapped* overlapped;
    int accepting = -1;                               ///< The socket that becomes the client's.
    std::span<const iocp::kernel::Buffer> buffers{};  ///< Must stay until the packet.
    std::size_t sent = 0;
    std::span<std::byte> room{};  ///< Must stay until the packet.
  };
  struct Outcome {
    int error;
    std::uint32_t bytes;
  };
  struct Socket {
    bool associated = false;
    bool skips = false;
    bool needs_context = false;
  };

  int post(Pending operation, std::uint32_t* bytes);
  std::optional<Outcome> attempt(Pending& operation);
  std::optional<Outcome> attempt_accept(const Pending& operation);
  std::optional<Outcome> attempt_receive(const Pending& operation);
  std::optional<Outcome> attempt_send(Pending& operation);
  void progress();
  void sleep(int milliseconds);
  std::uint32_t take(std::span<iocp::kernel::Entry> entries);
  Socket& checked(NativeHandle socket);

  IocpHabits habits_;
  std::vector<Pending> pending_;
  std::map<NativeHandle, Socket> sockets_;
  Descriptor doorbell_;
  std::mutex mutex_;  // of packets_: wakes come from any thread
  std::deque<iocp::kernel::Entry> packets_;
};

}  // namespace iocpp::tests

// I/O completion ports, simulated: a `Sys` for iocp::Port with the members of iocp::Sys and Windows' habits.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include "backend/iocp/kernel.hpp"
#include "base/clock.hpp"
#include "base/native_handle.hpp"
#include "iocpp/address.hpp"
#include "simulator/machine.hpp"

namespace iocpp::simulator {

/// An operation is the system's from its call until its packet was dequeued; its pointers are kept, and read and
/// written when it ends. Windows' rules that a program can break unpunished for long are violations here: a socket
/// belongs to one port, before its first operation; an accepted one has its context before anything else; none may
/// block.
class IocpSys : public Kernel, public Observer {
 public:
  IocpSys(Machine& machine, unsigned loop);

  int associate(NativeHandle socket);
  int wait(std::span<iocp::kernel::Entry> entries, std::uint32_t& count, std::uint32_t milliseconds);
  int post_wake() noexcept;
  bool provider_has_system_handles() const noexcept { return machine_.habits.system_handles; }
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
  int set_nodelay(NativeHandle socket) { return checked(socket) == nullptr ? not_a_socket : 0; }
  int set_keepalive(NativeHandle socket, std::uint32_t) { return set_nodelay(socket); }
  int set_receive_buffer(NativeHandle socket, int) { return set_nodelay(socket); }
  int set_send_buffer(NativeHandle socket, int) { return set_nodelay(socket); }
  void end_stream(NativeHandle socket);
  void reset_on_close(NativeHandle socket);
  void close_now(NativeHandle socket);
  TimePoint now() const noexcept { return machine_.now(); }
  void pause() noexcept { machine_.schedule.spend(std::chrono::milliseconds{1}); }
  static int peer_name(NativeHandle socket, Address& address) noexcept;

  // For whoever runs the loop.
  bool idle() const noexcept { return idle_; }
  bool has_something() noexcept;
  std::uint64_t handed_out() const noexcept { return handed_out_; }
  std::uint64_t in_flight() const noexcept { return operations_.in_use() + undelivered_; }
  bool listens(NativeHandle listener) noexcept;
  /// Those that were not cancelled.
  unsigned accepts_of(NativeHandle listener) noexcept;

  void step(std::uint32_t operation, std::uint32_t generation) override;
  void changed(std::uint32_t socket) override;

 protected:
  struct Packet {
    iocp::kernel::Overlapped* overlapped = nullptr;  ///< Null: a wake.
    std::uint32_t bytes = 0;
  };
  /// Where packets leave the system: tests of the checker lose or double them here.
  virtual void complete(const Packet& packet);

 private:
  static constexpr int not_a_socket = 10'038;
  /// In the memory for an accept's addresses, until it ends.
  static constexpr std::byte unwritten{0xac};

  enum class Kind : std::uint8_t { accept, receive, send };
  struct Operation {
    std::uint32_t generation = 1;
    Kind kind = Kind::accept;
    bool cancelled = false;
    bool stepping = false;
    std::uint32_t socket = no_index;
    std::uint32_t next = no_index;  ///< Of its socket.
    NativeHandle handle = no_handle;
    NativeHandle accepting = no_handle;
    iocp::kernel::Overlapped* overlapped = nullptr;
    std::byte* addresses = nullptr;
    std::span<const iocp::kernel::Buffer> buffers{};
    std::size_t sent = 0;
    std::uint64_t hash = 0;
    std::span<std::byte> room{};  ///< Of a receive with a buffer.
  };
  /// An operation's end, or that it goes on.
  struct Result {
    bool ended = false;
    int error = 0;
    std::uint32_t bytes = 0;
  };

  Socket* checked(NativeHandle socket);
  int abort(NativeHandle socket, iocp::kernel::Overlapped* overlapped);
  int post(const Operation& operation, std::uint32_t* bytes);
  void later(std::uint32_t index);
  bool ready(const Operation& operation);
  Result attempt(Operation& operation);
  Result attempt_accept(Operation& operation);
  Result attempt_receive(const Operation& operation);
  Result attempt_send(Operation& operation);
  std::uint32_t read(Link& link, NativeHandle handle, std::span<std::byte> room);
  void fail_accept(std::uint32_t listener, int error);
  void remove(std::uint32_t index);
  void finish(std::uint32_t index, int error, std::uint32_t bytes, bool packet);
  int reset_error(const Link& link);
  static std::uint64_t hash_of(std::span<const iocp::kernel::Buffer> buffers) noexcept;

  Machine& machine_;
  unsigned loop_;
  Pool<Operation> operations_;
  std::deque<Packet> packets_;
  std::uint64_t undelivered_ = 0;  ///< Packets of operations.
  std::uint64_t handed_out_ = 0;
  std::atomic<unsigned> wakes_{0};
  bool idle_ = false;
};

}  // namespace iocpp::simulator

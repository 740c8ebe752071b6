// Completion ports with faults: accepts that fail on command in each of the ways that they can on Windows, and time
// that does not pass by itself.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <vector>

#include "base/native_codes.hpp"
#include "support/iocp_on_linux.hpp"

namespace iocpp::tests {

/// What is to happen to the next accepts, in the order in which they are posted; after the script, the system decides.
struct IocpFault {
  enum class Kind : std::uint8_t {
    socket_fails,      ///< WSASocket fails.
    post_fails,        ///< AcceptEx fails.
    completes,         ///< Its packet says `code`, and is in the port before AcceptEx returns.
    context_fails,     ///< It accepts a client, whose SO_UPDATE_ACCEPT_CONTEXT fails.
    at_once,           ///< It accepts a waiting client before AcceptEx returns, which answers success.
    before_it_returns  ///< The same, but AcceptEx answers "pending".
  };
  Kind kind = Kind::completes;
  int code = 0;
};

/// The script of a test, and what the port did. It outlives the port.
struct IocpScript {
  std::deque<IocpFault> faults;
  int wakes_to_fail = 0;
  std::deque<int> receive_errors;       ///< The next receives fail to be posted with these.
  std::deque<int> send_errors;          ///< The next sends fail with these.
  std::vector<TimePoint> posted;        ///< When accepts were tried.
  std::chrono::nanoseconds skipped{0};  ///< Time that was skipped instead of slept.

  /// The most accepts tried at one instant: a spin shows here.
  std::size_t most_at_one_instant() const {
    std::size_t most = 0;
    for (auto first = posted.begin(); first != posted.end();) {
      const auto last = std::find_if(first, posted.end(), [&](TimePoint at) { return at != *first; });
      most = std::max(most, static_cast<std::size_t>(last - first));
      first = last;
    }
    return most;
  }
};

class FaultyIocp : public IocpOnLinux {
 public:
  explicit FaultyIocp(IocpScript* script) : IocpOnLinux{{.at_once = false, .skips_packets = true}}, script_{*script} {}

  NativeHandle make_socket(int family, int& error) {
    script_.posted.push_back(now());
    fault_ = {};
    has_fault_ = !script_.faults.empty();
    if (has_fault_) {
      fault_ = script_.faults.front();
      script_.faults.pop_front();
    }
    if (!has_fault_ || fault_.kind != IocpFault::Kind::socket_fails) return IocpOnLinux::make_socket(family, error);
    error = fault_.code;
    return no_handle;
  }

  int accept(NativeHandle listener, NativeHandle socket, std::byte* addresses, iocp::kernel::Overlapped& overlapped) {
    if (!has_fault_) return IocpOnLinux::accept(listener, socket, addresses, overlapped);
    switch (fault_.kind) {
      case IocpFault::Kind::socket_fails:
      case IocpFault::Kind::post_fails:
        return fault_.code;
      case IocpFault::Kind::completes:
        complete(overlapped, fault_.code);
        return iocp::kernel::io_pending;
      case IocpFault::Kind::context_fails:
        context_errors_[socket] = fault_.code;
        return IocpOnLinux::accept(listener, socket, addresses, overlapped);
      case IocpFault::Kind::at_once:
      case IocpFault::Kind::before_it_returns:
        break;
    }
    set_habits({.at_once = true, .skips_packets = true});
    const int error = IocpOnLinux::accept(listener, socket, addresses, overlapped);
    set_habits({.at_once = false, .skips_packets = true});
    if (error == 0) ++accepted_at_once;
    return error == 0 && fault_.kind == IocpFault::Kind::before_it_returns ? iocp::kernel::io_pending : error;
  }

  int update_accept_context(NativeHandle socket, NativeHandle listener) {
    const int error = IocpOnLinux::update_accept_context(socket, listener);
    const auto fault = context_errors_.find(socket);
    return fault == context_errors_.end() ? error : fault->second;
  }

  void close_now(NativeHandle socket) {
    context_errors_.erase(socket);
    IocpOnLinux::close_now(socket);
  }

  int receive(NativeHandle socket, std::span<std::byte> room, std::uint32_t* received,
              iocp::kernel::Overlapped& overlapped) {
    const int error = next_of(script_.receive_errors);
    return error != 0 ? error : IocpOnLinux::receive(socket, room, received, overlapped);
  }

  /// In turn, they fail in the posting call, and by a packet.
  int send(NativeHandle socket, std::span<const iocp::kernel::Buffer> buffers, std::uint32_t* sent,
           iocp::kernel::Overlapped& overlapped) {
    const int error = next_of(script_.send_errors);
    if (error == 0) return IocpOnLinux::send(socket, buffers, sent, overlapped);
    if (script_.send_errors.size() % 2 == 0) return error;
    complete(overlapped, error);
    return iocp::kernel::io_pending;
  }

  /// Time passes only where there is nothing to do: then what would be slept is over at once.
  int wait(std::span<iocp::kernel::Entry> entries, std::uint32_t& count, std::uint32_t milliseconds) {
    const int error = IocpOnLinux::wait(entries, count, std::min(milliseconds, 1U));
    if (error == iocp::kernel::wait_timeout) script_.skipped += std::chrono::milliseconds{milliseconds};
    return error;
  }

  int post_wake() {
    if (script_.wakes_to_fail == 0) return IocpOnLinux::post_wake();
    --script_.wakes_to_fail;
    return windows_error::no_system_resources;
  }

  TimePoint now() const noexcept { return TimePoint{std::chrono::hours{1}} + script_.skipped; }

  /// Clients that were accepted, and whose context is still to fail.
  std::size_t contexts_to_fail() const noexcept { return context_errors_.size(); }

  int accepted_at_once = 0;

 private:
  static int next_of(std::deque<int>& errors) {
    if (errors.empty()) return 0;
    const int error = errors.front();
    errors.pop_front();
    return error;
  }

  IocpScript& script_;
  IocpFault fault_;
  bool has_fault_ = false;
  std::map<NativeHandle, int> context_errors_;
};

}  // namespace iocpp::tests

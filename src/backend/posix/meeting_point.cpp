#include "backend/posix/meeting_point.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "backend/posix/unix_address.hpp"
#include "iocpp/error.hpp"

namespace iocpp::posix {
namespace {

/// Both ends are on one machine, and nothing keeps a successor from saying who it is.
constexpr int message_seconds = 2;

HandOverMessage describe(const backend::HandedListener& listener, std::size_t number) noexcept {
  return {.kind = HandOverMessage::Kind::listener,
          .number = static_cast<std::uint32_t>(number),
          .family = listener.address.family == Address::Family::ipv4 ? 0U : 1U,
          .scope = listener.address.scope,
          .port = listener.address.port,
          .ipv6_only = listener.ipv6_only ? 1U : 0U,
          .address = listener.address.bytes};
}

}  // namespace

UnixMeetingPoint::~UnixMeetingPoint() {
  leave();
}

void UnixMeetingPoint::leave() noexcept {
  if (std::exchange(left_, true)) return;
  ::unlink(path_.c_str());
  // Not sooner: whoever sees that we are gone may look for the path.
  listening_ = Descriptor{};
  successor_ = Descriptor{};
}

UnixMeetingPoint::Event UnixMeetingPoint::wait_for(int descriptor, int milliseconds) noexcept {
  std::array<pollfd, 2> watched{pollfd{.fd = stop_.descriptor(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = descriptor, .events = POLLIN, .revents = 0}};
  int ready = 0;
  do {
    ready = ::poll(watched.data(), watched.size(), milliseconds);
  } while (ready < 0 && errno == EINTR);
  stopped_ = watched[0].revents != 0;
  if (stopped_) return Event::stopped;
  return watched[1].revents != 0 ? Event::ready : Event::silent;
}

bool UnixMeetingPoint::give(const std::vector<backend::HandedListener>& listeners) noexcept {
  for (std::size_t number = 0; number < listeners.size(); ++number) {
    const std::vector<NativeHandle>& handles = listeners[number].handles;
    for (std::size_t at = 0; at < handles.size(); at += handles_a_message) {
      const auto first = handles.begin() + static_cast<std::ptrdiff_t>(at);
      const auto count = static_cast<std::ptrdiff_t>(std::min(handles.size() - at, handles_a_message));
      if (!send_message(successor_.get(), describe(listeners[number], number), {first, first + count})) return false;
    }
  }
  return send_message(successor_.get(), {.kind = HandOverMessage::Kind::point}, {listening_.get()});
}

/// A successor that said hello has as long as it needs to serve: while it lives, nobody else can take over.
std::optional<std::vector<std::size_t>> UnixMeetingPoint::wait_for_successor(const Offer& offer) {
  while (wait_for(listening_.get(), -1) != Event::stopped) {
    successor_ = Descriptor{::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (successor_.get() < 0) {
      if (wait_for(-1, 100) == Event::stopped) break;  // no handles, as a rule
      continue;
    }
    const std::vector<backend::HandedListener> listeners = offer();
    if (greet(listeners)) {
      if (auto kept = wait_until_it_serves(listeners)) return kept;
      if (stopped_) break;
    }
    successor_ = Descriptor{};  // so that it knows
  }
  leave();
  return std::nullopt;
}

/// Nothing: it does not; or we are to stop.
std::optional<std::vector<std::size_t>> UnixMeetingPoint::wait_until_it_serves(
    const std::vector<backend::HandedListener>& listeners) {
  std::vector<std::size_t> kept;
  while (wait_for(successor_.get(), -1) != Event::stopped) {
    const auto answer = receive_message(successor_.get());
    if (!answer) return std::nullopt;
    const HandOverMessage& message = answer->message;
    if (message.kind == HandOverMessage::Kind::serving) return kept;
    if (message.kind != HandOverMessage::Kind::kept || message.number >= listeners.size()) return std::nullopt;
    kept.push_back(listeners[message.number].number);
  }
  return std::nullopt;
}

bool UnixMeetingPoint::greet(const std::vector<backend::HandedListener>& listeners) {
  set_time_limit(successor_.get(), message_seconds);
  if (!is_trusted(successor_.get())) return false;
  const auto hello = receive_message(successor_.get());
  return hello && hello->message.kind == HandOverMessage::Kind::hello && give(listeners);
}

void UnixMeetingPoint::release() noexcept {
  left_ = true;
  send_message(successor_.get(), {.kind = HandOverMessage::Kind::released});
  listening_ = Descriptor{};
  successor_ = Descriptor{};
}

}  // namespace iocpp::posix

namespace iocpp::backend {

std::unique_ptr<MeetingPoint> MeetingPoint::make(const std::string& path) {
  const posix::UnixAddress address = posix::unix_address(path, false, "Options::hand_over_path");
  posix::Descriptor socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const posix::Descriptor lock = posix::lock_folder(address);
  if (!posix::bind_anew(socket.get(), address) || ::listen(socket.get(), 8) != 0)
    throw std::system_error(native_error(errno), "Options::hand_over_path '" + path + "'");
  return std::make_unique<posix::UnixMeetingPoint>(path, std::move(socket));
}

}  // namespace iocpp::backend

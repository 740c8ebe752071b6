#include "backend/posix/hand_over_channel.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <span>

#include "backend/posix/handles.hpp"

namespace iocpp::posix {
namespace {

constexpr std::size_t control_bytes = CMSG_SPACE(handles_a_message * sizeof(int));

/// The handles that came with a message. They are this process's now, wanted or not.
std::vector<Descriptor> take_handles(msghdr& header) {
  std::vector<Descriptor> handles;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    std::array<int, handles_a_message> descriptors;
    const std::size_t count = std::min((part->cmsg_len - CMSG_LEN(0)) / sizeof(int), handles_a_message);
    std::memcpy(descriptors.data(), CMSG_DATA(part), count * sizeof(int));
    for (const int descriptor : std::span{descriptors}.first(count)) handles.emplace_back(descriptor);
  }
  return handles;
}

}  // namespace

bool send_message(int socket, const HandOverMessage& message, const std::vector<NativeHandle>& handles) noexcept {
  assert(handles.size() <= handles_a_message);
  iovec bytes{.iov_base = const_cast<HandOverMessage*>(&message), .iov_len = sizeof message};
  msghdr header{};
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, control_bytes> control{};
  if (!handles.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(handles.size() * sizeof(int));
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(handles.size() * sizeof(int));
    for (std::size_t at = 0; at < handles.size(); ++at) {
      const int descriptor = static_cast<int>(handles[at]);
      std::memcpy(CMSG_DATA(part) + at * sizeof descriptor, &descriptor, sizeof descriptor);
    }
  }
  return ::sendmsg(socket, &header, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof message);
}

std::optional<ReceivedMessage> receive_message(int socket) {
  ReceivedMessage received;
  iovec bytes{.iov_base = &received.message, .iov_len = sizeof received.message};
  alignas(cmsghdr) std::array<char, control_bytes> control{};
  msghdr header{};
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t size = 0;
  do {
    size = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);  // also with SA_RESTART, where there is a time limit, signal(7)
  if (size < 0) return std::nullopt;
  received.handles = take_handles(header);
  const bool whole = size == static_cast<ssize_t>(sizeof received.message) && (header.msg_flags & MSG_CTRUNC) == 0;
  if (!whole || received.message.magic != HandOverMessage::this_magic ||
      received.message.version != HandOverMessage::this_version)
    return std::nullopt;
  return received;
}

void set_time_limit(int socket, int seconds) noexcept {
  const timeval limit{.tv_sec = seconds, .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

bool is_trusted(int socket) noexcept {
  PeerCredentials other;
  return peer_credentials(socket, other) == 0 && (other.user == ::geteuid() || other.user == 0);
}

}  // namespace iocpp::posix

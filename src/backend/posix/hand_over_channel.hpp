// What a server and its successor say to each other, over a Unix socket that keeps messages apart.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "backend/posix/descriptor.hpp"
#include "base/native_handle.hpp"

namespace iocpp::posix {

/// Both ends run on one machine; the version says that they mean the same by it.
struct HandOverMessage {
  enum class Kind : std::uint32_t {
    hello,     ///< The successor: I am here.
    listener,  ///< A listener, with handles; one of many sockets comes in several.
    point,     ///< The meeting point, with its handle; nothing more comes.
    kept,      ///< The successor: of the listeners, I have this one too.
    serving,   ///< The successor: I serve.
    released,  ///< I accept nobody any more.
  };
  static constexpr std::uint32_t this_magic = 0x696f6370;
  static constexpr std::uint32_t this_version = 2;

  std::uint32_t magic = this_magic;
  std::uint32_t version = this_version;
  Kind kind = Kind::hello;
  std::uint32_t number = 0;  ///< listener, kept: which of them
  std::uint32_t family = 0;  ///< listener: 0 for IPv4, 1 for IPv6
  std::uint32_t scope = 0;
  std::uint32_t port = 0;
  std::uint32_t ipv6_only = 0;
  std::array<std::byte, 16> address{};
};

/// What has come: handles that nobody takes out are closed.
struct ReceivedMessage {
  HandOverMessage message;
  std::vector<Descriptor> handles;
};

/// SCM_MAX_FD of the kernel, unix(7).
constexpr std::size_t handles_a_message = 253;

/// False: the other end is gone, or does not read.
bool send_message(int socket, const HandOverMessage& message, const std::vector<NativeHandle>& handles = {}) noexcept;
/// Nothing: the other end is gone, silent for the socket's time limit, or speaks something else.
std::optional<ReceivedMessage> receive_message(int socket);
/// For each of both directions of a socket.
void set_time_limit(int socket, int seconds) noexcept;
/// The other end is a process of this one's user, or root's, which may have given up its privileges later than the
/// other one (SO_PEERCRED, unix(7)).
bool is_trusted(int socket) noexcept;

}  // namespace iocpp::posix

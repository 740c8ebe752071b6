// Listening sockets: what the server asks of the system before any thread or ring is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/native_handle.hpp"
#include "iocpp/accept_health.hpp"
#include "iocpp/address.hpp"
#include "iocpp/options.hpp"

namespace iocpp::backend {

/// A Unix socket's file, as it was made. Empty: there is none.
struct FileIdentity {
  std::string path{};
  std::uint64_t device = 0;
  std::uint64_t number = 0;
  std::int64_t changed = 0;  ///< In ns: a number is soon another file's.
};

/// Where sockets come from. Others may have those that were not made here.
enum class Origin : std::uint8_t { made, inherited, handed_over };

/// The sockets of one `Listen`: as many as shards accept for themselves, all on one address.
struct ListeningSockets {
  Address address;     ///< With the port that the system picked, where none was asked for.
  std::string name{};  ///< Of a Unix socket, as it was asked for.
  FileIdentity file{};
  std::vector<NativeHandle> handles;
  Origin origin = Origin::made;
};

/// A Unix socket: it has one socket, and no address.
bool is_unix(const Listen& where) noexcept;

/// Binds and listens `count` sockets on one address. A second process, or a second call, fails: the first socket is
/// bound without SO_REUSEPORT, which only the others, and only then, share. Throws `std::system_error`, with nothing
/// left open.
ListeningSockets listen_on(const Listen& where, const Options& options, std::size_t count);

/// Sockets that listen already (`Listen::inherited`), checked. They stay the caller's. Throws `std::system_error` that
/// says what is wrong with which.
ListeningSockets inherit(const Listen& where);

/// Where `where` is, with port 0 for a free one. Throws as `listen_on` does.
Address address_of(const Listen& where);

/// Sockets that were not made here are given this server's options, which others that have them see too: not before it
/// is sure to serve. Throws `std::system_error`.
void make_own(const ListeningSockets& sockets, const Options& options);

bool is_ipv6_only(NativeHandle handle) noexcept;
/// Two handles of one socket.
bool is_same_socket(NativeHandle one, NativeHandle other) noexcept;

/// The handle is one that listens there.
bool listens_on(NativeHandle handle, const Address& address) noexcept;

/// One more socket on an address that `listen_on` had; `shared` when it was one of several. no_handle and the native
/// error, or its handle.
NativeHandle listen_again(const Address& address, bool ipv6_only, const Options& options, bool shared,
                          int& error) noexcept;

/// `file` becomes that of the new one.
NativeHandle listen_on_unix_again(const Listen& where, const Options& options, FileIdentity& file, int& error) noexcept;

/// Where it is still the one that was made.
void remove_socket_file(const FileIdentity& file) noexcept;

/// Any thread. Nothing: the system does not tell, or the handle is no listener's any more.
std::optional<AcceptQueue> accept_queue(NativeHandle listener) noexcept;
std::optional<AcceptDrops> accept_drops();

void close_socket(NativeHandle handle) noexcept;

/// How many handles this process may have.
std::size_t handle_limit() noexcept;

}  // namespace iocpp::backend

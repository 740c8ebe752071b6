// What the outcome of an accept means: the table of docs/ACCEPTING.md, for each system.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/platform.hpp"

namespace iocpp::core {

/// The classes of the table. Every code of every system is in one of them; none of them ends the accept chain.
enum class AcceptOutcome : std::uint8_t {
  accepted,           ///< A client.
  cancelled,          ///< We cancelled it.
  drop_client,        ///< That client has left, or is no use: count it, go on. Every unknown code is here.
  retry_later,        ///< The system has no buffers or memory: try again, paced.
  no_handles,         ///< This process has no handle left: refuse whoever knocks (shed), until one is free.
  listener_lost,      ///< The listener itself is unusable: make it anew, paced.
  multishot_refused,  ///< The system has no multishot accept: use single ones. Decided by the acceptor, see there.
};

std::string_view to_string(AcceptOutcome outcome) noexcept;

/// `error` is errno on Linux (accept(2)), a Winsock or Win32 code on Windows (AcceptEx, GetQueuedCompletionStatus); 0
/// is success.
AcceptOutcome classify_accept(Platform platform, int error) noexcept;

/// The error says that a client was there and has left: it took one from the backlog, so it can't go on by itself.
bool client_has_left(Platform platform, int error) noexcept;

/// The error says that the handle is none: closing it might close somebody else's.
bool handle_is_gone(Platform platform, int error) noexcept;

}  // namespace iocpp::core

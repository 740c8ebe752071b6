// What a backend reports: one operation has ended, or has gone one step.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/native_handle.hpp"

namespace iocpp::core {

enum class Operation : std::uint8_t { accept, poll_listener, receive, send, close };

struct Completion {
  Operation operation;
  bool more = false;             ///< Not terminal: the operation goes on (multishot).
  std::uint16_t buffer = 0;      ///< Of a receive, where the port lends: the buffer that its bytes lie in.
  int error = 0;                 ///< The native error; 0: success.
  std::uint32_t target = 0;      ///< A slot's index; for accepts and polls, a listener's.
  std::uint32_t generation = 0;  ///< Of that slot or listener, when the operation was posted.
  std::uint32_t bytes = 0;       ///< Received or sent. A receive of 0 is the end of the stream.
  union {
    const std::byte* received = nullptr;  ///< The bytes of a receive, lent until the next wait.
    NativeHandle accepted;                ///< The handle of an accept.
  };
};

}  // namespace iocpp::core

// What the error of a receive or a send means for its connection.
#pragma once

#include <cstdint>

#include "core/platform.hpp"

namespace iocpp::core {

enum class TransferOutcome : std::uint8_t {
  cancelled,     ///< We cancelled it.
  again,         ///< Nothing is wrong; post it again.
  no_resources,  ///< The system is out of memory or buffers: post it again, paced. Never the end of a stream.
  peer_reset,    ///< The peer reset the connection, or vanished.
  failed,        ///< Anything else ends the connection with `network_error`.
};

TransferOutcome classify_transfer(Platform platform, int error) noexcept;

}  // namespace iocpp::core

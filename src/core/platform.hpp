// Which system's error numbers are meant.
#pragma once

#include <cstdint>

namespace iocpp::core {

/// Both systems' tables are compiled everywhere, so that each can be tested everywhere; a backend says which one is its
/// own.
enum class Platform : std::uint8_t { linux_os, windows_os };

}  // namespace iocpp::core

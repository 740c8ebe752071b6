// What is done to a listening socket, whoever has made it.
#pragma once

#include <string>

#include "iocpp/options.hpp"

namespace iocpp::posix {

/// Options that an accepted socket inherits from its listener on Linux, so that accepting costs no further call.
bool set_inherited(int socket, const Options& options) noexcept;

bool listens(int handle) noexcept;

/// What is wrong with a handle that is to be a listening TCP socket, in words; empty: nothing.
std::string fault_of_listener(int handle);

}  // namespace iocpp::posix

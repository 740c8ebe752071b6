// Listening on Unix sockets: paths, and Linux's abstract names. See unix(7).
#pragma once

#include "backend/listening.hpp"

namespace iocpp::posix {

/// One socket, whatever the number of shards: there is no SO_REUSEPORT for them. A path on which nobody listens any
/// more is replaced. Throws `std::system_error`.
backend::ListeningSockets listen_on_unix(const Listen& where, const Options& options);

}  // namespace iocpp::posix

// Options that make no sense are refused before anything is made.
#pragma once

#include "iocpp/options.hpp"

namespace iocpp::server {

/// Throws `std::system_error` (`errc::invalid_argument`) that names the option and its range. Fills in what depends on
/// others: `listen` from `port` and `host`, `shards` from `default_shards`, `limits.connections_max` from the handle
/// limit.
Options checked(Options options, unsigned default_shards);

}  // namespace iocpp::server

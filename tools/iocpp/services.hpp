// The classic services: what `iocpp serve` does with a connection.
#pragma once

#include <memory>

#include <iocpp/iocpp.hpp>

#include "serve.hpp"

/// The handler of one shard.
std::unique_ptr<iocpp::Handler> make_handler(const ServeOptions& options);

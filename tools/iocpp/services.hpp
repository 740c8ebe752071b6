// The classic services: what `iocpp serve` does with a connection.
#pragma once

#include <memory>

#include <iocpp/iocpp.hpp>

#include "serve.hpp"

/// A server whose shards have a handler of that service each. Throws as `iocpp::Server` does.
std::unique_ptr<iocpp::Server> make_server(const ServeOptions& serve, const iocpp::Options& options);

// The handler of a shard whose accepts fail.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "iocpp/handler.hpp"

namespace iocpp::tests {

/// Echoes, and remembers what went wrong.
class Echo : public Handler {
 public:
  void on_receive(Connection connection, std::span<const std::byte> bytes) override { connection.send(bytes); }
  void on_server_error(const ServerError& error) override { errors.push_back(error); }

  std::size_t told(ServerError::Kind kind) const {
    return static_cast<std::size_t>(
        std::count_if(errors.begin(), errors.end(), [&](const ServerError& error) { return error.kind == kind; }));
  }
  std::vector<ServerError> errors;
};

}  // namespace iocpp::tests

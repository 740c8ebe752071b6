// A server that cannot be made.
#pragma once

#include "server/footprint.hpp"
#include "server/live_server.hpp"

namespace iocpp::tests {

/// The error of a constructor that must fail, and leave nothing.
inline std::system_error failure_of(const Options& options) {
  const Footprint before = Footprint::now();
  Handler handler;
  try {
    Server server(options, handler);
  } catch (const std::system_error& error) {
    EXPECT_EQ(footprint_after(before), before);
    return error;
  }
  ADD_FAILURE() << "the constructor did not throw";
  return std::system_error{std::error_code{}};
}

}  // namespace iocpp::tests

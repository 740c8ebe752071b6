// A client of many connections at once whose echo is checked byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>

namespace iocpp::tests {

struct EchoLoad {
  std::size_t connections = 1;
  std::size_t message_bytes = 64;
  std::size_t depth = 1;     ///< Messages of a connection that may be under way.
  std::size_t messages = 1;  ///< Of each connection.

  friend std::ostream& operator<<(std::ostream& out, const EchoLoad& load) {
    return out << load.connections << " connections, " << load.messages << " messages of " << load.message_bytes
               << " bytes, depth " << load.depth;
  }
};

/// Runs the load over non-blocking sockets, in pieces of random size. What went wrong; empty: every byte came back, in
/// order, and then the end of the stream.
std::string run_echo_load(std::uint16_t port, const EchoLoad& load, std::uint32_t seed = 1);

}  // namespace iocpp::tests

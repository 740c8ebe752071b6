// The command line that every server of the benchmarks has: PORT [echo|discard].
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace bench {

enum class Mode { echo, discard };

struct Arguments {
  std::uint16_t port = 0;  ///< 0: a free one.
  Mode mode = Mode::echo;
};

inline Arguments parse_arguments(int count, char** words) {
  Arguments arguments;
  std::string_view mode = count > 2 ? words[2] : "echo";
  char* end = nullptr;
  unsigned long port = count > 1 ? std::strtoul(words[1], &end, 10) : 65536;
  if (port > 65535 || *end != '\0' || count > 3 || (mode != "echo" && mode != "discard")) {
    std::fprintf(stderr, "usage: %s PORT [echo|discard]\n", words[0]);
    std::exit(2);
  }
  arguments.port = static_cast<std::uint16_t>(port);
  arguments.mode = mode == "echo" ? Mode::echo : Mode::discard;
  return arguments;
}

/// Says that clients may connect. Port 0 was asked for where a script starts the server: it reads the port from here.
inline void announce(unsigned port) {
  std::printf("listening on %u\n", port);
  std::fflush(stdout);
}

}  // namespace bench

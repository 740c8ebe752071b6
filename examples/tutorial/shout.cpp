#include "shout.hpp"

#include <cstdio>
#include <memory>
#include <system_error>

int main() {
  try {
    iocpp::Server server(shout_options(), [](unsigned /*shard*/) { return std::make_unique<Shout>(); });
    std::printf("listening on %s, %u threads\n", server.listener_name().c_str(), server.shards());
    const iocpp::DrainReport report = server.run();
    std::printf("%u idle, %u finished, %u cut\n", static_cast<unsigned>(report.idle_closed),
                static_cast<unsigned>(report.finished), static_cast<unsigned>(report.cut));
  } catch (const std::system_error& error) {
    std::fprintf(stderr, "shout: %s\n", error.what());
    return 1;
  }
}

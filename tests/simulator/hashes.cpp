// The hashes of a few runs, which every compiler and every system must come to: invariant 22. Exits 1 where one
// differs.
// `--print`: what hashes.txt is to say.
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string>

#include "simulator/simulation.hpp"

namespace {

using namespace iocpp::simulator;

struct Pinned {
  std::uint64_t seed;
  Platform platform;
  Level faults;
  std::uint64_t hash;
};

constexpr Pinned pinned[]{
#include "hashes.txt"
};

const char* name_of(Level level) {
  return level == Level::none ? "none" : level == Level::light ? "light" : "heavy";
}

}  // namespace

int main(int argc, char** argv) {
  const bool prints = argc > 1 && std::strcmp(argv[1], "--print") == 0;
  int differences = 0;
  for (const Pinned& run : pinned) {
    const Outcome outcome =
        simulate({.seed = run.seed, .platform = run.platform, .connections = 200, .faults = run.faults});
    const std::string platform{to_string(run.platform)};
    if (prints) {
      std::printf("    {%" PRIu64 ", Platform::%s, Level::%s, 0x%016" PRIx64 "},\n", run.seed, platform.c_str(),
                  name_of(run.faults), outcome.hash);
    } else if (outcome.hash != run.hash || outcome.violated != 0) {
      ++differences;
      std::printf("seed %" PRIu64 " on %s with %s faults: hash %016" PRIx64 ", and not %016" PRIx64 " %s\n", run.seed,
                  platform.c_str(), name_of(run.faults), outcome.hash, run.hash, outcome.detail.c_str());
    }
  }
  if (differences != 0) std::puts("where that is meant: scripts/update-hashes");
  return differences == 0 ? 0 : 1;
}

// So many turns of 64 connections that echo 64 bytes each, without a kernel: for tests/instructions, which counts the
// instructions of two lengths and takes the difference.
#include <cstdio>
#include <cstdlib>

#include "null_shard.hpp"

int main(int count, char** words) {
  const long turns = count == 2 ? std::strtol(words[1], nullptr, 10) : 0;
  if (turns <= 0) {
    std::fputs("usage: echo_turns TURNS\n", stderr);
    return 2;
  }
  bench::NullShard shard{64, 64};
  for (long turn = 0; turn < turns; ++turn) shard.turn();
  std::printf("%llu bytes\n", static_cast<unsigned long long>(shard.bytes_sent()));
}

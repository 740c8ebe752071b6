// Puts a server on loopback under load, checks every byte that comes back, and says how many operations it did.
#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "workload.hpp"

namespace {

constexpr const char* usage = R"(usage: bench_load WORKLOAD PORT [options]
WORKLOAD: echo, discard, short, reset
  --connections N  connections at a time (50)
  --bytes N        bytes of a message (64)
  --depth N        echo: messages of one connection on their way at once (1)
  --seconds S      length of the measured phase (1.0)
  --operations N   length of the measured phase, in operations, in place of --seconds
  --warm-up S      seconds of the same load before (0)
  --gated          when ready, print "ready" and wait for a line before the measured phase, and for the end of the input
                   after it: what the server used for the phase alone can be read then
)";

struct Arguments {
  std::string workload;
  load::Shape shape;
  double seconds = 1;
  std::uint64_t operations = 0;
  double warm_up_seconds = 0;
  bool gated = false;
};

Arguments parse(int count, char** words) {
  if (count < 3) throw std::invalid_argument("WORKLOAD and PORT are needed");
  Arguments arguments;
  const std::map<std::string, std::function<void(const std::string&)>> options = {
      {"--connections", [&](auto& value) { arguments.shape.connections = static_cast<unsigned>(std::stoul(value)); }},
      {"--bytes", [&](auto& value) { arguments.shape.bytes = std::stoul(value); }},
      {"--depth", [&](auto& value) { arguments.shape.depth = static_cast<unsigned>(std::stoul(value)); }},
      {"--seconds", [&](auto& value) { arguments.seconds = std::stod(value); }},
      {"--operations", [&](auto& value) { arguments.operations = std::stoull(value); }},
      {"--warm-up", [&](auto& value) { arguments.warm_up_seconds = std::stod(value); }},
  };
  arguments.workload = words[1];
  arguments.shape.port = static_cast<std::uint16_t>(std::stoul(words[2]));
  for (int index = 3; index < count; ++index) {
    std::string name = words[index];
    if (name == "--gated") {
      arguments.gated = true;
      continue;
    }
    auto option = options.find(name);
    if (option == options.end()) throw std::invalid_argument("no such option: " + name);
    if (++index == count) throw std::invalid_argument(name + " needs a value");
    option->second(words[index]);
  }
  if (arguments.shape.connections == 0 || arguments.shape.bytes == 0 || arguments.shape.depth == 0) {
    throw std::invalid_argument("--connections, --bytes and --depth must be over 0");
  }
  return arguments;
}

std::unique_ptr<load::Workload> make(const Arguments& arguments) {
  if (arguments.workload == "echo") return load::make_echo(arguments.shape);
  if (arguments.workload == "discard") return load::make_discard(arguments.shape);
  if (arguments.workload == "short") return load::make_short(arguments.shape);
  if (arguments.workload == "reset") return load::make_reset(arguments.shape);
  throw std::invalid_argument("no such workload: " + arguments.workload);
}

void run(const Arguments& arguments) {
  using Seconds = std::chrono::duration<double>;
  auto workload = make(arguments);
  if (arguments.warm_up_seconds > 0) workload->run(load::Budget::time(Seconds{arguments.warm_up_seconds}));
  std::string line;
  if (arguments.gated) {
    std::cout << "ready" << std::endl;
    if (!std::getline(std::cin, line)) return;
  }
  auto budget = arguments.operations > 0 ? load::Budget::operations(arguments.operations)
                                         : load::Budget::time(Seconds{arguments.seconds});
  auto begin = load::Budget::Clock::now();
  std::uint64_t operations = workload->run(budget);
  double seconds = Seconds{load::Budget::Clock::now() - begin}.count();
  std::printf(R"({"workload": "%s", "connections": %u, "bytes": %zu, "depth": %u, "operations": %llu, "seconds": %.6f})"
              "\n",
              arguments.workload.c_str(), arguments.shape.connections, arguments.shape.bytes, arguments.shape.depth,
              static_cast<unsigned long long>(operations), seconds);
  std::fflush(stdout);
  if (arguments.gated) std::getline(std::cin, line);
}

}  // namespace

int main(int count, char** words) {
  rlimit handles{};
  getrlimit(RLIMIT_NOFILE, &handles);
  handles.rlim_cur = handles.rlim_max;
  setrlimit(RLIMIT_NOFILE, &handles);
  try {
    run(parse(count, words));
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "bench_load: %s\n%s", error.what(), usage);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_load: %s\n", error.what());
    return 1;
  }
}

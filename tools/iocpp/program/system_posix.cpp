#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <thread>

#include "program/figures.hpp"
#include "program/system.hpp"

namespace program {

std::uint64_t raise_handle_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

bool stderr_is_terminal() {
  return isatty(STDERR_FILENO) == 1;
}

std::string machine_text() {
  std::string processors = plural(std::thread::hardware_concurrency(), "processor");
  utsname system{};
  if (uname(&system) != 0) return processors;
  return std::string{system.sysname} + " " + system.release + " " + system.machine + ", " + processors;
}

}  // namespace program

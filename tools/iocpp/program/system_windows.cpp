#include <io.h>
#include <windows.h>

#include <cstdio>
#include <thread>

#include "program/figures.hpp"
#include "program/system.hpp"

namespace program {

std::uint64_t raise_handle_limit() {
  return 131'072;  // there is no limit to ask for; this many sockets fit into the memory that is never paged out
}

bool stderr_is_terminal() {
  // NUL is a character device too, and so are consoles that know no escape sequences: the mode tells.
  if (_isatty(_fileno(stderr)) == 0) return false;
  const HANDLE output = GetStdHandle(STD_ERROR_HANDLE);
  DWORD mode = 0;
  return GetConsoleMode(output, &mode) != 0 &&
         SetConsoleMode(output, mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0;
}

std::string machine_text() {
  // GetVersion tells the version that the program is made for, where that is older: none is better than a wrong one.
  return "Windows, " + plural(std::thread::hardware_concurrency(), "processor");
}

}  // namespace program

#include <io.h>
#include <windows.h>

#include <cstdio>
#include <limits>

#include "program/system.hpp"

namespace program {

std::uint64_t raise_handle_limit() {
  return std::numeric_limits<std::uint64_t>::max();  // memory is the only limit
}

bool stderr_is_terminal() {
  // NUL is a character device too, and so are consoles that know no escape sequences: the mode tells.
  if (_isatty(_fileno(stderr)) == 0) return false;
  const HANDLE output = GetStdHandle(STD_ERROR_HANDLE);
  DWORD mode = 0;
  return GetConsoleMode(output, &mode) != 0 &&
         SetConsoleMode(output, mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0;
}

}  // namespace program

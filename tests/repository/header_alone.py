"""A public header compiles alone, and twice in a row, without a warning, and brings no header of the system's along.

Usage: header_alone.py COMPILER INCLUDE_FOLDER HEADER. Exits 77 (a skipped test) where there is no such compiler.
"""

import shutil
import subprocess
import sys

SKIPPED = 77
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
# The guards and macros of the headers that only backends may include. The C library's own (sys/types.h) stay: standard
# headers need them.
NO_SYSTEM_HEADER = """
#if defined(_WINDOWS_) || defined(_WINSOCK2API_) || defined(_WINSOCKAPI_) || defined(_WINDEF_)
#error "a header of Windows was included"
#endif
#if defined(SOCK_STREAM) || defined(POLLIN) || defined(EPOLLIN) || defined(LIB_URING_H)
#error "a header of the system's sockets was included"
#endif
"""


def main():
    compiler, include_folder, header = sys.argv[1:]
    if shutil.which(compiler) is None:
        option = "--windows" if "mingw" in compiler else "--dev"
        print(f"[  SKIPPED ] {compiler} is not installed (scripts/setup {option} installs it)")
        return SKIPPED
    source = f"#include <{header}>\n" * 2 + NO_SYSTEM_HEADER
    command = [compiler, *FLAGS, "-I", include_folder, "-x", "c++", "-"]
    return subprocess.run(command, input=source, text=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

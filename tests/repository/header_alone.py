"""A public header compiles alone, and twice in a row, without a warning.

Usage: header_alone.py COMPILER INCLUDE_FOLDER HEADER. Exits 77 (a skipped test) where there is no such compiler.
"""

import shutil
import subprocess
import sys

SKIPPED = 77
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def main():
    compiler, include_folder, header = sys.argv[1:]
    if shutil.which(compiler) is None:
        print(f"[  SKIPPED ] {compiler} is not installed (scripts/setup --dev installs it)")
        return SKIPPED
    source = f"#include <{header}>\n" * 2
    command = [compiler, *FLAGS, "-I", include_folder, "-x", "c++", "-"]
    return subprocess.run(command, input=source, text=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

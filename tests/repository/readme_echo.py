"""README.md's first C++ block is examples/echo/echo.cpp, byte for byte: what a reader copies is what CI compiles.

Usage: readme_echo.py SOURCE_ROOT. Exits 1, with the difference, when it is not.
"""

import difflib
import pathlib
import re
import sys

CPP_BLOCK = re.compile(r"^```cpp\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def difference(root):
    """A unified diff from the example to the README's block; empty when they are the same."""
    readme = (root / "README.md").read_bytes().decode()
    example = (root / "examples" / "echo" / "echo.cpp").read_bytes().decode()
    block = CPP_BLOCK.search(readme)
    if block is None:
        return "README.md has no ```cpp block\n"
    if block.group(1) == example:
        return ""
    lines = difflib.unified_diff(
        example.splitlines(keepends=True), block.group(1).splitlines(keepends=True), "examples/echo/echo.cpp", "README.md"
    )
    return "".join(lines) or "they differ in their line ends only\n"


def main():
    found = difference(pathlib.Path(sys.argv[1]))
    sys.stdout.write(found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

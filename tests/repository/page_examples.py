"""The first C++ block of each of these pages is an example, byte for byte: what a reader copies is what CI compiles.

Usage: page_examples.py SOURCE_ROOT. Exits 1, with the differences, when one is not.
"""

import difflib
import pathlib
import re
import sys

PAGES = {"README.md": "examples/echo/echo.cpp", "docs/SIMULATING.md": "examples/simulated_test/echo_test.cpp"}
CPP_BLOCK = re.compile(r"^```cpp\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def difference(root, page="README.md"):
    """A unified diff from the example to the page's block; empty when they are the same."""
    text = (root / page).read_bytes().decode()
    example = (root / PAGES[page]).read_bytes().decode()
    block = CPP_BLOCK.search(text)
    if block is None:
        return f"{page} has no ```cpp block\n"
    if block.group(1) == example:
        return ""
    lines = difflib.unified_diff(
        example.splitlines(keepends=True), block.group(1).splitlines(keepends=True), PAGES[page], page
    )
    return "".join(lines) or "they differ in their line ends only\n"


def main():
    found = "".join(difference(pathlib.Path(sys.argv[1]), page) for page in PAGES)
    sys.stdout.write(found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

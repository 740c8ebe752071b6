"""What pages show of a program's output is what it prints: simulated runs are the same everywhere. Each block named below has the program's lines
from the first one with its mark on, and may end with `...`.

Usage: page_output.py SOURCE_ROOT [--write] EXAMPLE=PROGRAM...    Exits 1, with what differs; --write: writes the pages anew
"""

import difflib
import os
import pathlib
import re
import subprocess
import sys

BLOCKS = [("docs/TUTORIAL.md", "runs passed: ", "tutorial_test"), ("docs/TUTORIAL.md", "FAILED, seed ", "tutorial_broken"),
          ("docs/SIMULATING.md", "FAILED, seed ", "simulated_test")]
INDENTED = re.compile(r"(?m)^(?:    .*\n)+")
REST = "    ...\n"


def output_of(program):
    environment = {name: value for name, value in os.environ.items() if name != "IOCPP_SIMULATE"}
    return subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=environment).stdout


def block_in(text, mark):
    """The first indented block whose first line has the mark."""
    return next((block for block in INDENTED.findall(text) if mark in block.splitlines()[0]), None)


def as_printed(block, mark, output):
    """The block with the lines that are printed now, as many as it has."""
    shown = block.splitlines(keepends=True)
    ends = bool(shown) and shown[-1].strip() == REST.strip()
    printed = output.splitlines()
    first = next((at for at, line in enumerate(printed) if mark in line), len(printed))
    lines = printed[first:first + len(shown) - ends]
    return "".join(f"    {line}\n" for line in lines) + (shown[-1] if ends else "")


def difference(where, block, printed):
    return "".join(difflib.unified_diff(block.splitlines(keepends=True), printed.splitlines(keepends=True), where, "printed"))


def compared(root, outputs, writes):
    for page, mark, example in BLOCKS:
        file = root / page
        text = file.read_text(encoding="utf-8")
        block = block_in(text, mark)
        if block is None:
            yield f"{page} has no block that begins with '{mark}'\n"
            continue
        printed = as_printed(block, mark, outputs[example])
        if printed == block:
            continue
        if writes and mark in printed:
            file.write_text(text.replace(block, printed), encoding="utf-8")
            print(f"{page}: written anew")
        else:
            yield difference(page, block, printed)


def main():
    root, *arguments = sys.argv[1:]
    writes = "--write" in arguments
    programs = dict(argument.split("=", 1) for argument in arguments if argument != "--write")
    found = list(compared(pathlib.Path(root), {name: output_of(program) for name, program in programs.items()}, writes))
    sys.stdout.write("".join(found))
    if found and not writes:
        print("where that is meant: scripts/update-hashes")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

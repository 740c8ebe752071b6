"""Counts the instructions of an echo of 64 bytes without a kernel (valgrind's callgrind), the same each time, and fails
above a ceiling: a regression is seen without a clock.

Usage: instructions.py ECHO_TURNS CEILING. Exits 77 (a skipped test) without valgrind.
"""

import re
import shutil
import subprocess
import sys

SKIPPED = 77
CONNECTIONS = 64  # of echo_turns.cpp
TURNS = (200, 1200)


def instructions(program, turns):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, str(turns)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    collected = re.search(r"Collected : (\d+)", said.stderr)
    if said.returncode != 0 or collected is None:
        sys.exit(f"callgrind failed: {said.stderr}")
    return int(collected.group(1))


def main():
    program, ceiling = sys.argv[1], float(sys.argv[2])
    if shutil.which("valgrind") is None:
        print("[  SKIPPED ] valgrind is not installed (scripts/setup installs it)")
        return SKIPPED
    short, long = (instructions(program, turns) for turns in TURNS)
    an_echo = (long - short) / (TURNS[1] - TURNS[0]) / CONNECTIONS
    print(f"{an_echo:.1f} instructions an echo: a receive, its send, and the end of the send before; at most {ceiling:.0f}")
    return 0 if an_echo <= ceiling else 1


if __name__ == "__main__":
    sys.exit(main())

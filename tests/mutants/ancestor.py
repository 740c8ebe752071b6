"""The bug that this library exists for, by 100 seeds of 1,000 connections each: at least 99 must find it, each within a
second, and the command that a find prints must show it again, with the same hash.

Usage: ancestor.py PROJECT
"""

import json
import pathlib
import shlex
import subprocess
import sys
import time

SEEDS = 100
FINDS = 99
SECONDS = 1.0
CONNECTIONS = 1000
MUTANT = "accept-context-early-return"


def simulate(arguments, folder):
    begin = time.monotonic()
    run = subprocess.run(arguments + ["--threads", "1", "--json"], cwd=folder, capture_output=True, text=True,
                         check=False)
    return json.loads(run.stdout), time.monotonic() - begin


def main():
    project = pathlib.Path(sys.argv[1])
    program = "build/mutants/iocpp"
    finds, slowest, most = 0, 0.0, 0
    for seed in range(1, SEEDS + 1):
        result, seconds = simulate([program, "simulate", "--mutant", MUTANT, "--seed", str(seed), "--connections",
                                    str(CONNECTIONS)], project)
        found = result.get("violation")
        if not found or seconds > SECONDS or found["connections"] > CONNECTIONS:
            print(f"seed {seed}: {'not found' if not found else f'found late, after {seconds:.2f} s'}")
            continue
        finds, slowest, most = finds + 1, max(slowest, seconds), max(most, found["connections"])
        again, _ = simulate(shlex.split(found["replay"]), project)
        if not again.get("violation") or again["violation"]["hash"] != found["hash"]:
            print(f"seed {seed}: `{found['replay']}` does not show it again")
            return 1
    print(f"{MUTANT}: found by {finds} of {SEEDS} seeds, the slowest in {slowest * 1000:.0f} ms, the last after {most} "
          f"connections; each again by its replay command, with the same hash")
    return 0 if finds >= FINDS else 1


if __name__ == "__main__":
    sys.exit(main())

"""The simulator's part of CI: fixed seeds and fresh ones on each simulated system, and what they must come to.

Usage: ci.py [--fresh SEED] [--results FILE]    --fresh: where the fresh seeds begin, to run them again
Prints how often each fault was injected. Exits 1 on a violation, on fewer than ten million connections or faults, and
when a fault that can happen did so less than 100 times and is not named below.
"""

import argparse
import pathlib
import secrets
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import seeds

PROJECT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = PROJECT / "build" / "release" / "iocpp"
SWEEP = PROJECT / "build" / "release" / "tests" / "simulator" / "simulator_sweep"
CONNECTIONS = FAULTS = 10_000_000
A_CELL = 100
# (platform, site, error): why it is seen less often.
NAMED = {}


def batches(fresh):
    return [seeds.Batch("fixed_seeds_without_faults", 1, 300, 200, "none"),
            seeds.Batch("fixed_seeds_with_light_faults", 1, 300, 1000, "light"),
            seeds.Batch("fixed_seeds_with_heavy_faults", 1, 300, 1000, "heavy"),
            seeds.Batch("fresh_seeds_with_light_faults", fresh, 600, 1000, "light"),
            seeds.Batch("fresh_seeds_with_heavy_faults", fresh, 1000, 1000, "heavy"),
            seeds.Batch("fresh_seeds_of_long_runs", fresh, 115, 10_000, "heavy")]


def write_results(path, outcomes):
    suite = ElementTree.Element("testsuite", name="simulator")
    for name, failure in outcomes:
        case = ElementTree.SubElement(suite, "testcase", name=f"ManySeeds.{name}", status="fail" if failure else "run")
        if failure:
            ElementTree.SubElement(case, "failure").text = failure
    ElementTree.ElementTree(suite).write(path)


def sweep():
    """Each fault at each of a site's first calls, once and for long: what went wrong, or None."""
    finished = subprocess.run([str(SWEEP)], stdout=subprocess.PIPE, text=True, check=False)
    print(f"sweep: {finished.stdout.strip()}", flush=True)
    return None if finished.returncode == 0 else finished.stdout or f"exit code {finished.returncode}"


def demands(total):
    """(what must hold, why it does not or None)"""
    rare = [f"{platform} {seeds.name_of((platform, *row))}" for platform, *row in total.below(A_CELL)
            if (platform, *row) not in NAMED]
    return [("ten_million_connections",
             None if total.connections >= CONNECTIONS else f"{total.connections:,} connections only"),
            ("ten_million_faults", None if total.faults >= FAULTS else f"{total.faults:,} faults only"),
            ("each_fault_that_can_happen_did_a_hundred_times",
             None if not rare else f"less than {A_CELL} times: {', '.join(rare)}")]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fresh", type=int)
    parser.add_argument("--results", type=pathlib.Path)
    arguments = parser.parse_args()
    fresh = arguments.fresh or 1 + secrets.randbelow(seeds.SEED_MAX - 1_000_000)
    print(f"fresh seeds from {fresh}; again: scripts/simulate-ci --fresh {fresh}", flush=True)
    outcomes, total = [("each_fault_at_each_call_once_and_for_long", sweep())], seeds.Sum()
    for batch in batches(fresh):
        result, failure = seeds.run(batch, PROGRAM)
        outcomes.append((batch.name, failure))
        if failure:
            print(failure, flush=True)
            break
        total.add(result)
        seeds.tell(f"{batch.name}: so far {total.text()}; {len(total.below(A_CELL))} kinds of fault below {A_CELL}")
    else:
        seeds.print_table(total.cells, A_CELL, NAMED)
        outcomes += demands(total)
    for cell in total.below(A_CELL):
        if cell in NAMED:
            print(f"* {cell[0]} {seeds.name_of(cell)}: {NAMED[cell]}")
    for name, failure in outcomes:
        if failure:
            print(f"FAILED {name}: {failure.splitlines()[0]}")
    print(total.text())
    if arguments.results:
        write_results(arguments.results, outcomes)
    return 1 if any(failure for _, failure in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())

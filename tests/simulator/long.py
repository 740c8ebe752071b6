"""Fresh seeds until the time is over or one of them finds a violation, and the sum of it.

Usage: long.py HOURS
"""

import secrets
import sys
import time

import ci
import seeds

# (seeds, connections of each run, faults): some seconds each; one after the other, again and again.
KINDS = [(1000, 200, "none"), (300, 1000, "light"), (300, 1000, "heavy"), (30, 20_000, "light"), (30, 20_000, "heavy")]


def batches():
    while True:
        for count, connections, faults in KINDS:
            first = 1 + secrets.randbelow(seeds.SEED_MAX - count)
            name = f"seeds {first}..{first + count - 1}, {connections} connections, {faults} faults"
            yield seeds.Batch(name, first, count, connections, faults)


def main():
    if len(sys.argv) != 2 or not sys.argv[1].replace(".", "", 1).isdigit():
        sys.exit(__doc__)
    end = time.monotonic() + float(sys.argv[1]) * 3600
    total = seeds.Sum()
    for batch in batches():
        if time.monotonic() >= end:
            break
        result, failure = seeds.run(batch, ci.PROGRAM, quiet=not sys.stderr.isatty())
        if failure:
            print(f"{total.text()} without a violation, and then, {batch.name}:\n{failure}")
            return 1
        total.add(result)
        print(f"{total.text()}; {len(total.below(1))} kinds of fault not hit ({batch.name})", flush=True)
    seeds.print_table(total.cells, 1, ci.NAMED)
    print(f"{total.text()}: no violation")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

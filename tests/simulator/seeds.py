"""Runs of `iocpp simulate`, many seeds at a time, and what they come to: connections, faults, how often each of them."""

import collections
import dataclasses
import json
import subprocess
import sys
import time

PLATFORMS = ("io_uring", "epoll", "iocp")
SEED_MAX = 10 ** 15


@dataclasses.dataclass
class Batch:
    name: str
    first: int
    count: int
    connections: int
    faults: str
    more: tuple = ()

    def command(self, program):
        return [str(program), "simulate", "--seeds", f"{self.first}..{self.first + self.count - 1}", "--connections",
                str(self.connections), "--faults", self.faults, "--json", *self.more]


class Sum:
    def __init__(self):
        self.runs = self.connections = self.faults = 0
        self.virtual_seconds = self.seconds = 0.0
        self.cells = collections.Counter()
        self.begin = time.monotonic()

    def add(self, result):
        self.runs += result["runs"]
        self.connections += result["connections"]
        self.faults += result["faults"]
        self.virtual_seconds += result["virtual_seconds"]
        self.seconds = time.monotonic() - self.begin
        for cell in result["cells"]:
            self.cells[cell["platform"], cell["site"], cell["error"]] += cell["count"]

    def text(self):
        return (f"{self.runs:,} runs, {self.connections:,} connections, {self.faults:,} faults, "
                f"{self.virtual_seconds / 3600:,.1f} h of virtual time in {self.seconds:.0f} s")

    def below(self, least):
        return [cell for cell, count in self.cells.items() if count < least]


def run(batch, program, quiet=False):
    """(result, None), or (None, what went wrong, in words). Progress goes to our error output."""
    finished = subprocess.run(batch.command(program), stdout=subprocess.PIPE, text=True, check=False,
                              stderr=subprocess.PIPE if quiet else None)
    try:
        result = json.loads(finished.stdout)
    except json.JSONDecodeError:
        return None, f"{(finished.stderr or '').strip()}\n{batch.name}: it ended with exit code {finished.returncode}"
    found = result.get("violation")
    if not found:
        return result, None
    return None, "\n".join([f"VIOLATION of invariant {found['invariant']}: {found['words']}", f"  {found['detail']}",
                            f"  seed {found['seed']} on {found['platform']}, hash {found['hash']}",
                            f"  again: build/release/{found['replay']}", "  the last steps:",
                            *(f"    {step}" for step in found["last_steps"])])


def name_of(cell):
    _, site, error = cell
    return f"{site} {error}" if error else site


def print_table(cells, least, named):
    """How often each fault was injected on each system; `!` where it is too rarely, `*` where that has a reason."""
    rows = list(dict.fromkeys((site, error) for _, site, error in cells))
    width = max(len(name_of(("", *row))) for row in rows)
    print(f"{'fault':<{width}}" + "".join(f"{platform:>12} " for platform in PLATFORMS))
    for row in rows:
        line = f"{name_of(('', *row)):<{width}}"
        for platform in PLATFORMS:
            cell = (platform, *row)
            count = cells.get(cell)
            rare = count is not None and count < least
            line += f"{'-' if count is None else f'{count:,}':>12}" + ("*" if rare and cell in named else "!" if rare else " ")
        print(line.rstrip())


def tell(text):
    print(text, file=sys.stderr, flush=True)

"""Hunts every mutant and prints the catalogue, one row a bug, with what finds it.

Usage: report.py PROJECT [--markdown FILE] [--seeds N] [NAME...]    only the mutants named, a line each
       report.py PROJECT --catalogue    runs none: are there enough, and does what covers the other rows exist?
Exits 1 when a mutant lives, was found for a reason that its patch does not name, or a test that is named is none.
"""

import argparse
import pathlib
import re
import sys
import time

import hunt
import patches

ROWS = 68
ROWS_WITH_MUTANTS = 40
TABLE_BEGIN, TABLE_END = "<!-- table: scripts/mutants --markdown -->", "<!-- end of the table -->"


def read_catalogue(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            number, systems, what, covered = (part.strip() for part in line.split(" |", 3))
            yield int(number), systems, what, covered


def missing(project, covered):
    """The tests and scripts named there that are not there."""
    kind, _, names = covered.partition(" ")
    if kind == "script":
        return [name for name in names.split() if not (project / name).is_file()]
    if kind != "test":
        return []
    text = "\n".join(path.read_text(encoding="utf-8") for path in (project / "tests").rglob("*.[ch]pp"))
    return [name for name in names.split()
            if not re.search(r"\((%s), %s\)" % tuple(map(re.escape, name.split("."))), text)]


def by(kill):
    return f"invariant {kill.by}" if kill.by.isdigit() else kill.by


def verdict(kills, covered):
    """For a reader of plain text."""
    parts = [f"{'killed' if kill.by else 'LIVES'}: {mutant.name}" +
             (f", {by(kill)}, {kill.runs} run(s), {kill.seconds * 1000:.0f} ms" if kill.by else f" ({kill.words})")
             for mutant, kill in kills]
    return parts + ([covered] if covered else [])


def markdown_row(number, systems, what, kills, covered):
    mutants = "<br/>".join(f"`{mutant.name}`: {by(kill)}, seed {kill.seed} on {kill.platform}" for mutant, kill in kills)
    kind, _, names = covered.partition(" ")
    if kind in ("test", "script"):
        covered = " ".join(f"`{name}`" for name in names.split())
    return f"| {number} | {systems} | {what} | {mutants or '–'} | {covered or '–'} |"


def write_markdown(path, rows, kills):
    killed = {number for number, *_, of_row, _ in rows if of_row}
    extra = [pair for pair in kills if not pair[0].rows]
    table = [TABLE_BEGIN, f"{len(kills)} mutants, all found: {len(kills) - len(extra)} stand for {len(killed)} of the {len(rows)} rows, "
             f"{len(extra)} for none of them (the last rows).", "",
             "| # | on | what goes wrong | mutants, and what finds them | also, or instead |", "|---|---|---|---|---|"]
    table += [markdown_row(*row) for row in rows]
    table += [markdown_row("–", "*", mutant.words, [(mutant, kill)], "") for mutant, kill in extra]
    text = path.read_text(encoding="utf-8")
    head, tail = text.split(TABLE_BEGIN)[0], text.split(TABLE_END)[1]
    path.write_text(head + "\n".join(table) + "\n" + TABLE_END + tail, encoding="utf-8")


def check_catalogue(project, mutants, catalogue):
    failures = [f"row {number} names {name}, which is not there"
                for number, _, _, covered in catalogue for name in missing(project, covered)]
    numbers = {number for number, *_ in catalogue}
    rows = {row for mutant in mutants for row in mutant.rows}
    failures += [f"there is no row {row}" for row in sorted(rows - numbers)]
    failures += [f"row {number} is covered by nothing" for number, _, _, covered in catalogue
                 if number not in rows and not covered]
    if numbers != set(range(ROWS)):
        failures.append(f"the catalogue must have the rows 0 to {ROWS - 1}")
    if len(rows) < ROWS_WITH_MUTANTS:
        failures.append(f"mutants stand for {len(rows)} rows only")
    return failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=pathlib.Path)
    parser.add_argument("--markdown", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=hunt.SEEDS)
    parser.add_argument("--catalogue", action="store_true")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    folder = arguments.project / "tests" / "mutants"
    mutants = [mutant for mutant in patches.load(folder) if not arguments.names or mutant.name in arguments.names]
    catalogue = list(read_catalogue(folder / "catalogue.txt"))
    if not arguments.names:
        failures = check_catalogue(arguments.project, mutants, catalogue)
    if arguments.catalogue:
        print("\n".join(failures) or "the catalogue holds")
        return 1 if failures else 0
    begin = time.monotonic()
    kills = hunt.hunt_all(arguments.project / "build" / "mutants" / "iocpp", mutants, arguments.seeds)
    elapsed = time.monotonic() - begin
    failures = ([] if arguments.names else failures) + [text for text in (hunt.failure(mutant, kill) for mutant, kill in kills) if text]
    if arguments.names:
        for mutant, kill in kills:
            print("\n".join(verdict([(mutant, kill)], "")), kill.replay, sep="\n  ")
    else:
        rows = [(number, systems, what, [pair for pair in kills if number in pair[0].rows], covered)
                for number, systems, what, covered in catalogue]
        for number, systems, what, of_row, covered in rows:
            print(f"{number:2} {systems:4} {what}")
            for line in verdict(of_row, covered) or ["NOT COVERED"]:
                print(f"        {line}")
        killed = sum(1 for row in rows if row[3])
        print(f"{len(kills)} mutants for {killed} of {len(rows)} rows, {len(failures)} failures, {elapsed:.1f} s")
        if arguments.markdown and not failures:
            write_markdown(arguments.markdown, rows, kills)
    for text in failures:
        print(f"mutants: {text}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

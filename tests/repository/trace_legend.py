"""The numbers of faults that docs/SIMULATING.md explains are those of src/simulator/faults.hpp: one that is put in between
moves all behind it.

Usage: trace_legend.py SOURCE_ROOT. Exits 1, with what differs, when something does.
"""

import pathlib
import re
import sys


def sites(header):
    """The enumerators of Site, but the last, which is their number."""
    body = re.search(r"enum class Site[^{]*\{(.*?)\n\};", header, re.DOTALL).group(1)
    return re.findall(r"^  (\w+),", body, re.MULTILINE)


def explained(page):
    """Each `number `name`` of the page's list."""
    return re.findall(r"\b(\d+) `(\w+)`", page.partition("## The trace\n")[2].partition("\n## ")[0])


def main():
    root = pathlib.Path(sys.argv[1])
    there = [(str(number), name) for number, name in
             enumerate(sites((root / "src/simulator/faults.hpp").read_text(encoding="utf-8")))]
    said = explained((root / "docs/SIMULATING.md").read_text(encoding="utf-8"))
    if there and said == there:
        print(f"{len(there)} faults are explained")
        return 0
    print("docs/SIMULATING.md, The trace, has to have:\n" + ", ".join(f"{number} `{name}`" for number, name in there))
    return 1


if __name__ == "__main__":
    sys.exit(main())

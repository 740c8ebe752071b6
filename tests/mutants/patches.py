"""The mutants: what the first lines of each tests/mutants/*.patch say.

    Rows: 1 2                          rows of the catalogue that it stands for, or `none`
    Found by: 3                        invariants (or `assertion`, `exception`, `crash`) by which it may be found
    Options: --platform iocp           of `iocpp simulate`, where it is looked for
    Called in: closing.cpp             sources that call what is changed in a header, where others only see it: those
                                       alone are compiled anew

and then, in words, what is wrong; then the diff. Patches change what ships and nothing else.
"""

import dataclasses
import re

FIELD = re.compile(r"(Rows|Found by|Options|Called in): ")
SHIPPED = re.compile(r"src/(base|core|engine|stage|backend/(io_uring|epoll|iocp|posix))/[a-z_]+\.[hc]pp")


class MutantError(Exception):
    pass


@dataclasses.dataclass
class Mutant:
    name: str
    rows: list
    found_by: list
    options: str
    called_in: list
    words: str
    files: list

    @property
    def platform(self):
        match = re.search(r"--platform (\w+)", self.options)
        return match.group(1) if match and match.group(1) != "all" else None


def read(path):
    text = path.read_text(encoding="utf-8")
    head = text.split("\n--- ")[0]

    def field(name, default=None):
        match = re.search(rf"^{name}: *(.*)$", head, re.MULTILINE)
        if not match and default is None:
            raise MutantError(f"{path.name} has no line '{name}:'")
        return match.group(1).strip() if match else default

    words = " ".join(line for line in head.splitlines() if line and not FIELD.match(line))
    files = re.findall(r"^\+\+\+ b/(\S+)", text, re.MULTILINE)
    wrong = [file for file in files if not SHIPPED.fullmatch(file)]
    if wrong or not files:
        raise MutantError(f"{path.name} must change what ships in src/, and changes {wrong or 'nothing'}")
    return Mutant(path.stem, [int(row) for row in field("Rows").split() if row != "none"], field("Found by").split(),
                  field("Options", ""), field("Called in", "").split(), words, files)


def load(folder):
    return [read(path) for path in sorted(folder.glob("*.patch"))]

"""What the shared library shows is the API, and all of it: what public headers mark with IOCPP_EXPORT.

Usage: exports.py INCLUDE_FOLDER SHARED_LIBRARY STATIC_LIBRARY. Prints one line a violation and exits 1 when there is one.
"""

import pathlib
import re
import subprocess
import sys

NO_CODE = re.compile(r"//[^\n]*|^#[^\n]*", re.MULTILINE)  # Comments, and the preprocessor's lines
MARKED = re.compile(r"\bIOCPP_EXPORT\b[^;(]*?(~?\w+)\s*\(")
DECLARED = re.compile(r"(~?\w+)\s*\(")
CLASS = re.compile(r"^(?:class|struct) (\w+)", re.MULTILINE)
# A function of namespace iocpp, or a member of a class in it; what is nested deeper is internal.
FUNCTION = re.compile(r"iocpp::(?:(\w+)::)?(~?\w+)")


class Api:
    """What the headers declare: functions, those of them that are marked, and classes."""

    def __init__(self, headers):
        code = [NO_CODE.sub("", header) for header in headers]
        self.marked = {name for header in code for name in MARKED.findall(header)}
        self.declared = {name for header in code for name in DECLARED.findall(header)}
        self.classes = {name for header in code for name in CLASS.findall(header)}

    def function(self, symbol):
        """The function's name where it may be part of the API, or None."""
        match = FUNCTION.fullmatch(symbol.split("(")[0].split("[abi:")[0])
        return match.group(2) if match and match.group(1) in {None, *self.classes} else None


def objections(api, shown, compiled):
    """One line for each symbol that is shown and should not be, or the other way round."""
    for symbol in shown:
        if api.function(symbol) not in api.marked:
            yield f"the shared library shows what no public header marks: {symbol}"
    shown_functions = {api.function(symbol) for symbol in shown}
    for name in sorted(api.marked - shown_functions):
        yield f"a header marks {name}, and the shared library does not show it"
    for symbol in compiled:
        if api.function(symbol) in api.declared and symbol not in shown:
            yield f"a public header declares it, and no IOCPP_EXPORT shows it: {symbol}"


def symbols(*arguments):
    """Demangled names of what `nm` finds."""
    listed = subprocess.run(["nm", "-C", "--defined-only", *arguments], capture_output=True, text=True, check=True)
    return [(line.split(maxsplit=2)[1], line.split(maxsplit=2)[2])
            for line in listed.stdout.splitlines() if len(line.split(maxsplit=2)) == 3]


def main():
    include, shared, static = sys.argv[1:]
    headers = pathlib.Path(include, "iocpp").glob("*.hpp")
    # The simulator is a library of its own, for programs alone; the static one.
    api = Api([header.read_text(encoding="utf-8") for header in headers if header.name != "simulator.hpp"])
    shown = {name for _, name in symbols("-D", shared)}
    compiled = {name for kind, name in symbols(static) if kind == "T"}
    found = sorted(set(objections(api, shown, compiled)))
    print("\n".join(found) or f"{len(shown)} symbols are shown, all of them the API's")
    return 1 if found or not shown else 0


if __name__ == "__main__":
    sys.exit(main())

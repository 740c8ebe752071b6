"""Which sources see what each mutant's patch changes: prints the calls of iocpp_mutant() for CMake.

A source sees a file that it includes, directly or not. Of the simulated shards only that of the mutant's platform is
compiled anew where it is looked for on one: the others never run.

Usage: plan.py PROJECT
"""

import pathlib
import sys

from patches import MutantError, load

COMPILED = ("base", "core", "engine", "simulator", "stage")


def included(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith('#include "'):
            yield "src/" + line.split('"')[1]


def closure(project, source):
    """The files that `source` sees, itself among them."""
    seen, left = set(), [source]
    while left:
        file = left.pop()
        if file in seen or not (project / file).is_file():
            continue
        seen.add(file)
        left += included(project / file)
    return seen


def sources_for(mutant, sees):
    shards = [f"src/simulator/shard_{platform}.cpp" for platform in ("io_uring", "epoll", "iocp")]
    never = {shard for shard in shards if mutant.platform and mutant.platform not in shard}
    affected = [source for source, seen in sees.items() if seen & set(mutant.files) and source not in never]
    if not mutant.called_in:
        return affected
    named = [source for source in affected if pathlib.PurePath(source).name in mutant.called_in]
    if len(named) != len(mutant.called_in):
        raise MutantError(f"{mutant.name}: not all of {mutant.called_in} see its change")
    return named


def main():
    project = pathlib.Path(sys.argv[1])
    sources = sorted(str(path.relative_to(project)) for room in COMPILED
                     for path in (project / "src" / room).glob("*.cpp"))
    sees = {source: closure(project, source) for source in sources}
    for mutant in load(project / "tests" / "mutants"):
        affected = sources_for(mutant, sees)
        if not affected:
            raise MutantError(f"{mutant.name}: nothing that a run needs sees its change")
        print(f'iocpp_mutant({mutant.name} OPTIONS "{mutant.options}"\n  PATCHED {" ".join(mutant.files)}'
              f'\n  SOURCES {" ".join(affected)})')


if __name__ == "__main__":
    try:
        main()
    except MutantError as error:
        sys.exit(f"plan.py: {error}")

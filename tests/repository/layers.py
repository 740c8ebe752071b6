"""Which room may include what: docs/ARCHITECTURE.md's table of rooms, checked over the includes of every source file.

Usage: layers.py SOURCE_ROOT. Prints one line a violation and exits 1 when there is one.
"""

import pathlib
import re
import sys

SOURCE_SUFFIXES = {".hpp", ".h", ".ipp", ".cpp", ".cc"}

# Each room of src/ and the rooms that it may include, beside itself, <iocpp/...> and the standard library.
ROOMS = {
    "base": set(),
    "core": {"base"},
    "engine": {"base", "core"},
    "backend": {"base", "core", "engine"},
    "stage": {"base", "core"},
    "framing": set(),
    "server": {"base", "core", "engine", "backend", "stage"},
    "simulator": {"base", "core", "engine", "backend", "stage", "server"},
}

# The system's headers stay in the files that talk to the kernel.
OS_FILES = re.compile(r"src/(backend/([a-z_]+/sys\.[hc]pp|(posix|windows)/.*)|simulator/(posix|windows)/.*)")

# A jump of the wall clock must not matter: nothing of the library reads it.
WALL_CLOCK = re.compile(r"\b(system_clock|high_resolution_clock|CLOCK_REALTIME\w*|gettimeofday|GetSystemTime\w*|time\s*\((?=nullptr|NULL|0\)))")

PUBLIC_MACRO = re.compile(r"IOCPP_(VERSION|EXPORT)\w*")

STANDARD_HEADERS = set("""
    algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes climits
    clocale cmath codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef cstdint
    cstdio cstdlib cstring ctime cuchar cwchar cwctype deque exception execution filesystem format forward_list fstream
    functional future initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory
    memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator
    semaphore set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string string_view
    syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray
    variant vector version
""".split())

# The rules run in a simulator and on any thread: they wait for nothing, start nothing and print nothing.
BARRED_FROM_CORE = set("""
    barrier condition_variable csignal filesystem fstream future iostream latch mutex semaphore shared_mutex stop_token
    thread
""".split())

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*(.*?)[ \t]*$", re.MULTILINE)
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)


def code_of(path):
    """A file's text without its comments; line breaks inside them stay, so that line numbers hold."""
    return COMMENT.sub(lambda comment: "\n" * comment.group().count("\n"), path.read_text(encoding="utf-8"))


def directives(path, pattern):
    """(line, argument) of each preprocessor line that matches."""
    code = code_of(path)
    return [(code.count("\n", 0, match.start(1)) + 1, match.group(1)) for match in pattern.finditer(code)]


def includes(path):
    return directives(path, INCLUDE)


def sources(folder):
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.rglob("*") if path.suffix in SOURCE_SUFFIXES and path.is_file())


def names_public_header(argument):
    return argument.strip('<>"').startswith("iocpp/")


def objection_to_angled(root, name, *, os_allowed=False):
    """Why `#include <name>` is wrong, or None."""
    if names_public_header(name):
        return None if (root / "include" / name).is_file() else f"<{name}> does not exist"
    if name in STANDARD_HEADERS or os_allowed:
        return None
    return f"<{name}> is no standard header"


def check_public_headers(root):
    for path in sources(root / "include"):
        for line, argument in includes(path):
            if not argument.startswith("<"):
                yield path, line, f"{argument}: public headers include <...> only"
            elif objection := objection_to_angled(root, argument.strip("<>")):
                yield path, line, objection
        for line, macro in directives(path, DEFINE):
            if not PUBLIC_MACRO.fullmatch(macro):
                yield path, line, f"macro {macro}: public headers define IOCPP_VERSION* and IOCPP_EXPORT* only"


def objection_to_room_include(root, path, room, argument):
    """Why a file in src/`room` may not say `#include argument`, or None."""
    where = path.relative_to(root).as_posix()
    if argument.startswith("<") or names_public_header(argument):
        name = argument.strip('<>"')
        if path.stem.endswith("_test") and name.startswith(("gtest/", "gmock/")):
            return None
        if room == "core" and name in BARRED_FROM_CORE:
            return f"src/core may not include <{name}>: no threads, no input or output"
        return objection_to_angled(root, name, os_allowed=OS_FILES.fullmatch(where) is not None)
    if not argument.startswith('"'):
        return f"{argument}: an include must be spelled out"
    name = argument.strip('"')
    if not (root / "src" / name).is_file():
        return f'"{name}" is no file of src/ (write "room/file.hpp")'
    included_room = pathlib.PurePosixPath(name).parts[0]
    if included_room != room and included_room not in ROOMS[room]:
        return f'src/{room} may not include "{name}"'
    return None


def check_rooms(root):
    for path in sources(root / "src"):
        room, *rest = path.relative_to(root / "src").parts
        if room not in ROOMS or not rest:
            yield path, 1, f"src/{room} has no row in the table of rooms"
            continue
        for line, argument in includes(path):
            if objection := objection_to_room_include(root, path, room, argument):
                yield path, line, objection


def check_clocks(root):
    for folder in ("include", "src"):
        for path in sources(root / folder):
            for line, clock in directives(path, WALL_CLOCK):
                yield path, line, f"{clock}: the monotonic clock only"


def own_include(folder, path, argument):
    """The file of `folder` that a quoted include of `path` names, or None."""
    candidates = (path.parent / argument.strip('"'), folder / argument.strip('"'))
    found = next((candidate.resolve() for candidate in candidates if candidate.is_file()), None)
    return found if found is not None and found.is_relative_to(folder) else None


# `iocpp simulate` is a front of the simulator, for the project's own use: no public header has what it shows.
SIMULATE = re.compile(r"simulate(_\w+)?\.[hc]pp")


def is_front_of_simulator(root, path, argument):
    name = argument.strip('"')
    return bool(SIMULATE.fullmatch(path.name)) and name.startswith("simulator/") and (root / "src" / name).is_file()


def check_command_line(root):
    folder = root / "tools" / "iocpp"
    for path in sources(folder):
        for line, argument in includes(path):
            if argument.startswith('"') and is_front_of_simulator(root, path, argument):
                continue
            if names_public_header(argument):
                if objection := objection_to_angled(root, argument.strip('<>"')):
                    yield path, line, objection
            elif argument.startswith('"') and own_include(folder, path, argument) is None:
                yield path, line, f"{argument} is no file of tools/iocpp"


def check_stress(root):
    """The stress client shares no code with the library, whatever way an include takes: no shared bug."""
    folder = root / "tools" / "iocpp"
    waiting = sources(folder / "stress")
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        for line, argument in includes(path):
            if names_public_header(argument):
                yield path, line, f"{argument} is reached from tools/iocpp/stress"
            elif argument.startswith('"'):
                included = own_include(folder, path, argument)
                if included is not None and included not in seen:
                    seen.add(included)
                    waiting.append(included)


def violations(root):
    """`file:line: what is wrong` for every violation under `root`."""
    root = root.resolve()
    found = []
    for check in (check_public_headers, check_rooms, check_clocks, check_command_line, check_stress):
        found += [f"{path.relative_to(root).as_posix()}:{line}: {text}" for path, line, text in check(root)]
    return found


def main():
    root = pathlib.Path(sys.argv[1])
    checked = sum(len(sources(root / folder)) for folder in ("include", "src", "tools/iocpp"))
    found = violations(root)
    for violation in found:
        print(violation)
    print(f"layers: {checked} files, {len(found)} violations")
    return 1 if found or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

"""What pages name is there: tests (`Suite.what_it_shows`, with * for a part), mutants (`mutant NAME`, or in the lists of docs/GUARANTEES.md), scripts,
their options, and those of the command line.

Usage: page_names.py SOURCE_ROOT [IOCPP]. Exits 1, with what is not there, when there is any. Without the program its options are not checked.
"""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "docs" / "site"))
import markdown  # noqa: E402

CODE = re.compile(r"`([^`]+)`")
TEST = re.compile(r"(?:\w+/)?([A-Z]\w+)\.([a-z]\w*_\w*\*?|\*)$")
MUTANT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+$")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
COMMANDS = ("serve", "stress", "simulate")


def code_of(text):
    """Each piece of code that is no block of a language, with the number of its line."""
    for number, (line, kind) in enumerate(markdown.lines(text), 1):
        if kind in ("shell", "code"):
            yield number, line.split("#")[0]
        else:
            for code in CODE.findall(line):
                yield number, code


def tests_of(root):
    text = "\n".join(file.read_text(encoding="utf-8") for file in (root / "tests").rglob("*.[ch]pp"))
    gtest = re.findall(r"\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", text)
    lists = "\n".join(file.read_text(encoding="utf-8") for file in (root / "tests").rglob("CMakeLists.txt"))
    in_lists = re.findall(r"\b[A-Z]\w+\.[a-z][\w${}]+", lists)
    return {f"{suite}.{name}" for suite, name in gtest} | {re.sub(r"\$\{\w+\}", "*", name) for name in in_lists}


def has_test(tests, suite, name):
    """Either may have a * at its end: a page's for several tests, a CMakeLists.txt's for a variable."""
    wanted = f"{suite}.{name}"
    if wanted in tests:
        return True
    if wanted.endswith("*"):
        return any(test.startswith(wanted[:-1]) for test in tests)
    return any(test.endswith("*") and wanted.startswith(test[:-1]) for test in tests)


def script_text(root, script):
    """The script's, and that of what it runs."""
    text = (root / script).read_text(encoding="utf-8")
    for file in re.findall(r"[\w./-]+\.py", text):
        if (root / file).is_file():
            text += (root / file).read_text(encoding="utf-8")
    return text


def missing_of_scripts(root, code):
    for script, rest in re.findall(r"(?:^|[\s(])(scripts/[\w-]+)([^|;&]*)", code):
        if not (root / script).is_file():
            yield f"{script} is not there"
            continue
        text = script_text(root, script)
        yield from (f"{script} has no {option}" for option in OPTION.findall(rest) if option not in text)


def help_of(program, *words):
    """What a command says of itself, and of each of its own commands."""
    text = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True).stdout
    listed = text.partition("Subcommands:")[2]
    return text + "".join(help_of(program, *words, word) for word in re.findall(r"^  (\w+) ", listed, re.MULTILINE))


def missing_of_program(helps, code):
    for command, rest in re.findall(r"(?:^|[\s/])iocpp(?:\.exe)? (\w+)([^|;&]*)", code):
        if command in COMMANDS:
            options = {*OPTION.findall(helps[command]), "--mutant"}  # which a build of the mutants has
            yield from (f"iocpp {command} has no {option}" for option in OPTION.findall(rest) if option not in options)


def missing(root, helps):
    tests = tests_of(root)
    mutants = {file.stem for file in (root / "tests" / "mutants").glob("*.patch")}
    for page in markdown.pages(root):
        for number, code in code_of((root / page).read_text(encoding="utf-8")):
            found = TEST.match(code)
            if found and not has_test(tests, *found.groups()):
                yield f"{page}:{number}: there is no test {code}"
            if page.name == "GUARANTEES.md" and MUTANT.match(code) and code not in mutants:
                yield f"{page}:{number}: there is no mutant {code}"
            for words in [*missing_of_scripts(root, code), *(missing_of_program(helps, code) if helps else [])]:
                yield f"{page}:{number}: {words}"


def main():
    root = pathlib.Path(sys.argv[1])
    helps = {command: help_of(sys.argv[2], command) for command in COMMANDS} if len(sys.argv) > 2 else {}
    found = list(missing(root, helps))
    print("\n".join(found) or "all that is named is there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

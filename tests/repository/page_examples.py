"""What a reader copies is what CI compiles. Every C++ block of a page, and every piece of code in a public header's
comments, is a part of a file under examples/, line for line but for its indentation; some are the whole file. Blocks of
CMake are parts of a CMakeLists.txt there.

Usage: page_examples.py SOURCE_ROOT. Exits 1, with what differs, when one is not.
"""

import difflib
import pathlib
import re
import sys
import textwrap

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "docs" / "site"))
import markdown  # noqa: E402

# The first block of each of these is a file, byte for byte.
WHOLE = {"README.md": "examples/echo/echo.cpp", "docs/SIMULATING.md": "examples/simulated_test/echo_test.cpp"}
CODE_OF_CPP = re.compile(r"\biocpp::\w|;\s*(//.*)?$")


def difference(root, page="README.md"):
    """A unified diff from the example to the page's block; empty when they are the same."""
    block = next(iter(markdown.blocks((root / page).read_bytes().decode(), "cpp")), None)
    if block is None:
        return f"{page} has no ```cpp block\n"
    example = (root / WHOLE[page]).read_bytes().decode()
    if block[1] == example:
        return ""
    lines = difflib.unified_diff(example.splitlines(keepends=True), block[1].splitlines(keepends=True), WHOLE[page], page)
    return "".join(lines) or "they differ in their line ends only\n"


def compiled(root):
    """The text of each example that is compiled: named by a CMakeLists.txt, or included by one that is."""
    folder = root / "examples"
    lists = "\n".join(file.read_text(encoding="utf-8") for file in folder.rglob("CMakeLists.txt"))
    sources = [file for file in folder.rglob("*.cpp")
               if re.search(rf"(?<![\w.])({re.escape(file.relative_to(folder).as_posix())}|{re.escape(file.name)})(?![\w.])", lists)]
    texts = [file.read_text(encoding="utf-8") for file in sources]
    included = [file for file in folder.rglob("*.hpp") if any(f'{file.name}"' in text for text in texts)]
    return texts + [lists] + [file.read_text(encoding="utf-8") for file in included]


def flat(text):
    """Its lines without indentation and empty lines at its ends; one in the middle counts."""
    return "\n" + "\n".join(line.strip() for line in text.strip("\n").split("\n")) + "\n"


def comment_blocks(text):
    """Pieces of code in /// comments: what is indented there, with the number of its first line."""
    piece, begin = [], 0
    for number, line in enumerate(text.splitlines() + [""], 1):
        code = re.match(r"\s*///(?:     (.*)|)$", line)
        if code and (code.group(1) or piece):
            begin = begin if piece else number
            piece.append(code.group(1) or "")
        elif piece:
            yield begin, textwrap.dedent("\n".join(piece)).strip("\n") + "\n"
            piece = []


def pieces(root):
    """Every piece of code that users read: where, and the text."""
    for page in markdown.pages(root):
        text = (root / page).read_text(encoding="utf-8")
        for number, block in [*markdown.blocks(text, "cpp"), *markdown.blocks(text, "cmake")]:
            yield f"{page}:{number}", block
    for header in sorted((root / "include" / "iocpp").glob("*.hpp")):
        for number, block in comment_blocks(header.read_text(encoding="utf-8")):
            yield f"include/iocpp/{header.name}:{number}", block


def not_compiled(root):
    texts = [flat(text) for text in compiled(root)]
    for where, block in pieces(root):
        if not any(flat(block) in text for text in texts):
            yield f"{where}: no example that is compiled has this:\n{textwrap.indent(block, '    ')}"


def not_marked(root):
    """C++ in an indented block, which nothing would compile."""
    for page in markdown.pages(root):
        text = (root / page).read_text(encoding="utf-8")
        for number, (line, kind) in enumerate(markdown.lines(text), 1):
            if kind == "shell" and CODE_OF_CPP.search(line):
                yield f"{page}:{number}: C++ belongs into a ```cpp block:\n{line}\n"


def main():
    root = pathlib.Path(sys.argv[1])
    found = [difference(root, page) for page in WHOLE]
    found += [*not_compiled(root), *not_marked(root)]
    sys.stdout.write("".join(found))
    return 1 if any(found) else 0


if __name__ == "__main__":
    sys.exit(main())

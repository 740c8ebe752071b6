"""What the site and the tests of the pages know of Markdown: which line is what, links, headings' anchors."""

import pathlib
import re

LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
FENCE = re.compile(r"^```(\w*)\s*$")


def pages(project):
    """All pages, relative to the project."""
    names = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md"]
    found = [project / name for name in names if (project / name).is_file()]
    return [page.relative_to(project) for page in found + sorted((project / "docs").glob("*.md"))]


def is_external(target):
    return re.match(r"[a-z]+:", target) is not None


def lines(text):
    """Each line with its kind: heading, text, fence, code (in a fence), shell (indented)."""
    fenced, after_blank, in_list = False, True, False  # a line that is indented within a list is the list's
    for line in text.removesuffix("\n").split("\n"):
        if FENCE.match(line):
            fenced = not fenced
            yield line, "fence"
            continue
        if fenced:
            yield line, "code"
            continue
        indented = line.startswith("    ")
        if indented and after_blank and not in_list:
            yield line, "shell"
            continue
        if re.match(r"#+ ", line):
            yield line, "heading"
        else:
            yield line, "text"
        if line.strip():
            in_list = bool(re.match(r"\s*([-*]|\d+\.) ", line)) or (in_list and line.startswith(" "))
        after_blank = not line.strip()


def blocks(text, language):
    """The text of each ```language block, with the number of its first line."""
    block, begin = None, 0
    for number, (line, kind) in enumerate(lines(text), 1):
        if kind == "fence" and block is None:
            block, begin = [], number + 1
            wanted = FENCE.match(line).group(1) == language
        elif kind == "fence":
            if wanted:
                yield begin, "".join(part + "\n" for part in block)
            block = None
        elif kind == "code":
            block.append(line)


def without_markup(words):
    words = LINK.sub(r"\1", words)
    return words.replace("`", "").replace("*", "")


class Anchors:
    """As GitHub makes them of headings: small letters, no punctuation, dashes for spaces, a number for the second."""

    def __init__(self):
        self.seen = {}

    def of(self, words):
        base = re.sub(r"[^\w\- ]", "", without_markup(words).strip().lower()).replace(" ", "-")
        count = self.seen.get(base, 0)
        self.seen[base] = count + 1
        return f"{base}-{count}" if count else base


def anchors(text):
    known = Anchors()
    return {known.of(re.sub(r"^#+ +", "", line)) for line, kind in lines(text) if kind == "heading"}

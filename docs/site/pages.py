"""The project's pages as Doxygen reads them: headings with anchors, links to pages, headers and files within the site.

Usage: pages.py PROJECT TARGET    writes TARGET/pages/*.md; the headers' first comments, as Doxygen wants them, to
TARGET/pages/headers.dox; and TARGET/html/files/*.html for files that pages link to
"""

import html
import pathlib
import re
import sys

import markdown

HOLDER = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name} – iocpp</title><link rel="stylesheet" href="../style.css"></head>
<body><nav class="site"><a class="name" href="../index.html">iocpp</a></nav>
<main><h1>{name}</h1><pre>{text}</pre></main></body></html>
"""


def identity(page):
    """The name of a page within the site: its file's, but docs/README.md is the first page."""
    return {"docs/README.md": "index"}.get(page.as_posix(), page.stem.lower().replace("_", "-") if page.parent.name != "examples" else "examples")


def reference(project, page, target):
    """What a link of `page` becomes, and the file that is to be shown for it, if any."""
    path, _, anchor = target.partition("#")
    file = (project / page.parent / path).resolve().relative_to(project.resolve()) if path else page
    if file.suffix == ".md":
        name = identity(file)
        if name == "index" and not anchor:
            return "index.html", None
        return "@ref " + (f"{name}-{anchor}" if anchor else name), None
    if file.suffix == ".png":  # Doxygen finds it in its IMAGE_PATH
        return file.name, None
    if file.parent == pathlib.Path("include/iocpp"):
        return f"@ref iocpp/{file.name}", None
    if (project / file).is_dir():
        raise ValueError(f"{page} links to the folder {file}: name one of its files")
    return f"files/{file.as_posix().replace('/', '-')}.html", file


def title(file, anchor):
    """The heading that a link leads to."""
    known = markdown.Anchors()
    headings = [re.sub(r"^#+ +", "", line) for line, kind in markdown.lines(file.read_text(encoding="utf-8")) if kind == "heading"]
    return next(words for words in headings if not anchor or known.of(words) == anchor)


def words_of(project, page, words, target):
    """A page that is named by its file has a title within the site."""
    path, _, anchor = target.partition("#")
    return title(project / page.parent / path, anchor) if path.endswith(".md") and path.endswith(words) else words


def converted(project, page):
    """The page in Doxygen's dialect, and the files that it links to."""
    name, files, lines = identity(page), set(), []

    def link(match):
        if markdown.is_external(match.group(2)):
            return match.group(0)
        target, file = reference(project, page, match.group(2))
        if file:
            files.add(file)
        return f"[{words_of(project, page, *match.groups())}]({target})"

    anchors = markdown.Anchors()
    for line, kind in markdown.lines((project / page).read_text(encoding="utf-8")):
        if kind == "heading":
            level, words = re.match(r"(#+) +(.*)", line).groups()
            anchor = anchors.of(words)
            if level != "#":
                line = f"{level} {words} {{#{name}-{anchor}}}"
            elif name != "index":  # the first page has Doxygen's own
                line = f"# {words} {{#{name}}}"
        elif kind == "text":
            line = markdown.LINK.sub(link, line)
        lines.append(line)
    return "\n".join(lines), files


def header_comments(project):
    """What each header begins with, as the description of its file; and of the namespace, which no single header has."""
    yield "/** @namespace iocpp\n * All that users may name. */\n"
    for header in sorted((project / "include" / "iocpp").glob("*.hpp")):
        if header.name == "export.hpp":  # users have no use for it; the Doxyfile leaves it out
            continue
        comment = re.match(r"(?:// .*\n)+", header.read_text(encoding="utf-8")).group()
        yield f"/** @file iocpp/{header.name}\n" + re.sub(r"^// ", " * ", comment, flags=re.MULTILINE) + " */\n"


def main():
    project, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    files = set()
    (target / "pages").mkdir(parents=True, exist_ok=True)
    (target / "html" / "files").mkdir(parents=True, exist_ok=True)
    for page in markdown.pages(project):
        text, linked = converted(project, page)
        files |= linked
        (target / "pages" / f"{identity(page)}.md").write_text(text, encoding="utf-8")
    (target / "pages" / "headers.dox").write_text("".join(header_comments(project)), encoding="utf-8")
    for file in files:
        shown = HOLDER.format(name=file.as_posix(), text=html.escape((project / file).read_text(encoding="utf-8")))
        (target / "html" / "files" / f"{file.as_posix().replace('/', '-')}.html").write_text(shown, encoding="utf-8")


if __name__ == "__main__":
    main()

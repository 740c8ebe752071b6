"""Every link of a page, as it is read in the repository, leads to a file that is there and to a heading that it has.

Usage: page_links.py SOURCE_ROOT. Exits 1, with the dead links, when there are any. Links to elsewhere are not followed.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "docs" / "site"))
import markdown  # noqa: E402


def dead(root):
    texts = {page: (root / page).read_text(encoding="utf-8") for page in markdown.pages(root)}
    for page, text in texts.items():
        for number, (line, kind) in enumerate(markdown.lines(text), 1):
            if kind not in ("text", "heading"):
                continue
            for _, target in markdown.LINK.findall(line):
                if markdown.is_external(target):
                    continue
                path, _, anchor = target.partition("#")
                file = (root / page.parent / path).resolve() if path else (root / page).resolve()
                if not file.exists():
                    yield f"{page}:{number}: {target} is not there"
                elif anchor and anchor not in markdown.anchors(file.read_text(encoding="utf-8")):
                    yield f"{page}:{number}: {target}: no such heading"


def not_reached(root):
    """Pages to which the first page does not lead."""
    first = (root / "docs" / "README.md").read_text(encoding="utf-8")
    for page in markdown.pages(root):
        if page.parts[0] == "docs" and page.name != "README.md" and f"]({page.name}" not in first:
            yield f"docs/README.md does not lead to {page}"


def main():
    root = pathlib.Path(sys.argv[1])
    found = [*dead(root), *not_reached(root)]
    print("\n".join(found) or "no dead link")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

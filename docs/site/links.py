"""Every link of the site leads somewhere: to a file that is there, at an anchor that it has; and the first page leads to all pages. Links to
elsewhere are checked for their form.

Usage: links.py FOLDER    exits 1, with the dead ones and the pages that are not reached, when there are any
"""

import html.parser
import pathlib
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.targets, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src"):
                self.targets.append(value or "")
            elif name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)


def well_formed(target):
    parts = urllib.parse.urlsplit(target)
    return parts.scheme in ("https", "http") and "." in parts.netloc or parts.scheme == "mailto" and "@" in parts.path


def dead(folder):
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    for path, page in pages.items():
        for target in page.targets:
            parts = urllib.parse.urlsplit(target)
            if parts.scheme or parts.netloc:
                if not well_formed(target):
                    yield f"{path.relative_to(folder)}: {target} is no address"
                continue
            file = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path.resolve()
            if not file.is_file():
                yield f"{path.relative_to(folder)}: {target} is not there"
            elif parts.fragment and file in pages and urllib.parse.unquote(parts.fragment) not in pages[file].anchors:
                yield f"{path.relative_to(folder)}: {target}: no such anchor"


def not_reached(folder):
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    left, reached = [folder / "index.html"], set()
    while left:
        path = left.pop()
        if path in reached or path not in pages:
            continue
        reached.add(path)
        left += [(path.parent / urllib.parse.unquote(urllib.parse.urlsplit(target).path)).resolve() for target in pages[path].targets]
    for path in pages:
        if path not in reached:
            yield f"{path.relative_to(folder)}: no link leads there"


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    found = [*dead(folder), *not_reached(folder)]
    print("\n".join(dict.fromkeys(found)) or "no dead link")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

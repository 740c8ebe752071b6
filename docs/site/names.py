"""All names of the reference on one page, in place of Doxygen's lists of them by letter and kind, to which nothing leads.

Usage: names.py FOLDER    writes FOLDER/names.html
"""

import collections
import pathlib
import re
import sys

LISTS = ("functions*.html", "namespacemembers*.html", "globals*.html")
REST = ("classes.html", "namespaces.html", "pages.html")
ITEM = re.compile(r"<li>((?:(?!</li>).)+?)&#160;:&#160;(.*?)</li>", re.DOTALL)
CLASS = re.compile(r'<a class="el" href="((?:class|struct)\w+\.html)"[^>]*>(\w+)</a></td>')
CONTENTS = '<div class="contents">'


def names(folder):
    """Each name, with the links to where it is."""
    found = collections.defaultdict(set)
    for pattern in LISTS:
        for page in folder.glob(pattern):
            for name, places in ITEM.findall(page.read_text(encoding="utf-8")):
                found[name.strip()] |= set(places.strip().split(", "))
    for target, name in CLASS.findall((folder / "annotated.html").read_text(encoding="utf-8")):
        found[name].add(f'<a class="el" href="{target}">class</a>')
    return found


def letter(name):
    return re.sub(r"[^a-z]", "", name.lower())[:1]


def listed(found):
    letters = sorted({letter(name) for name in found})
    yield '<nav aria-label="Letters"><p>' + " ".join(f'<a href="#{one}">{one}</a>' for one in letters) + "</p></nav>"
    for one in letters:
        yield f'<h2 id="{one}">{one}</h2>\n<ul>'
        for name in sorted((name for name in found if letter(name) == one), key=str.lower):
            yield f"<li><code>{name}</code>: {', '.join(sorted(found[name]))}</li>"
        yield "</ul>"


def page(like, found):
    """In the frame of another page of the site, one without a title of its own."""
    head = re.sub(r"<title>[^–]*–", "<title>All names –", like.split(CONTENTS)[0])
    title = '<div class="headertitle"><div class="title">All names</div></div>\n'
    return head + title + CONTENTS + "\n" + "\n".join(listed(found)) + "\n</div>\n</main>\n</body>\n</html>\n"


def main():
    folder = pathlib.Path(sys.argv[1])
    found = names(folder)
    (folder / "names.html").write_text(page((folder / "functions.html").read_text(encoding="utf-8"), found), encoding="utf-8")
    for pattern in LISTS + REST:
        for file in folder.glob(pattern):
            file.unlink()


if __name__ == "__main__":
    main()

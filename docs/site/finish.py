"""What Doxygen 1.9.4 writes and no option changes, put right in each page of the site.

Usage: finish.py FOLDER
"""

import pathlib
import re
import sys


class Tables:
    """What is too wide is scrolled, by the keyboard too, and is named by the heading before it. A head that says nothing is
    none."""

    def __init__(self):
        self.heading = "Table"

    def __call__(self, match):
        text = match.group()
        if match.group(1):
            self.heading = re.sub(r"<[^>]*>|\s+", " ", text).strip().replace('"', "&quot;")
            return text
        head = re.search(r'<tr class="markdownTableHead">.*?</tr>\n?', text, re.DOTALL).group()
        empty = re.compile(r'<th class="\w+">\s*</th>')
        kept = "" if not re.sub(r"<[^>]*>|\s", "", head) else empty.sub("<td></td>", head)
        return f'<div class="scroll" role="region" tabindex="0" aria-label="{self.heading}">{text.replace(head, kept)}</div>'


def finished(text):
    # A page's title is its heading of the first level, and its sections are of the second and third.
    text = re.sub(r"<h2>(.*?)</h2>", r"<h3>\1</h3>", text, flags=re.DOTALL)
    text = re.sub(r"<h1>(.*?)</h1>", r"<h2>\1</h2>", text, flags=re.DOTALL)
    text = re.sub(r'<div class="title">(.*?)</div>', r'<h1 class="title">\1</h1>', text, flags=re.DOTALL)
    text = re.sub(r'<(div|pre) class="fragment">', r'<\1 class="fragment" role="region" tabindex="0" aria-label="Code">', text)
    text = re.sub(r'<(h[1-3])\b.*?</\1>|<table class="markdownTable">.*?</table>', Tables(), text, flags=re.DOTALL)
    # It announces nested classes where there are private ones only, and then leaves them out.
    return text if 'name="nested-classes"' in text else re.sub(r'<a href="#nested-classes">.*?\n', "", text)


def main():
    for page in pathlib.Path(sys.argv[1]).glob("*.html"):
        page.write_text(finished(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

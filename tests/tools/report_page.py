"""--report: pages with the figures of the run that hold all they need, and can be read without seeing the charts.

Usage: report_page.py IOCPP PROJECT
"""

import html.parser
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

IOCPP = pathlib.Path(sys.argv[1]).resolve()
PROJECT = pathlib.Path(sys.argv[2]).resolve()
sys.path.insert(0, str(PROJECT / "bench"))
import page as bench_page  # noqa: E402

VOID = {"meta", "rect"}


class Checked(html.parser.HTMLParser):
    """What a browser would make of the page: every element is ended, nothing outside of it is named, and so on."""

    def __init__(self, text):
        super().__init__()
        self.open, self.problems, self.words, self.names, self.links = [], [], [], set(), set()
        self.charts, self.tables = 0, 0
        self.feed(text)
        self.close()
        self.problems += [f"{tag} is not ended" for tag in self.open]
        self.problems += [f"#{link} leads nowhere" for link in self.links - self.names]

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        if tag in {"script", "link", "img", "iframe", "object", "base"} or any(name.startswith("on") for name in found):
            self.problems.append(f"{tag}: the page is to hold all it needs, and no script")
        for name in ("src", "href", "action", "style", "data"):
            value = found.get(name, "")
            if (name == "href" and value.startswith("#")) or (name == "style" and value.startswith("width:")) or not value:
                continue
            self.problems.append(f"{tag} {name}={value}")
        if found.get("href", "").startswith("#"):
            self.links.add(found["href"][1:])
        self.names.add(found.get("id"))
        if tag == "svg":
            self.charts += 1
            if found.get("role") != "img" or not found.get("aria-label"):
                self.problems.append("a chart without words")
        self.tables += tag == "table"
        if found.get("tabindex") is not None and not found.get("aria-label"):
            self.problems.append(f"{tag}: the keyboard leads to something without a name")

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"{tag} is ended where it is not open")

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            if "url(" in data or "@import" in data:
                self.problems.append("the style names another file")
        else:
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())


class ReportPage(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.file = pathlib.Path(self.folder.name) / "a & <b>.html"

    def serve(self, service="echo"):
        server = subprocess.Popen([IOCPP, "serve", service, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)

        def end():
            server.terminate()
            server.communicate()
        self.addCleanup(end)
        return server.stdout.readline().split()[2]

    def page_of(self, *arguments, code=0):
        run = subprocess.run([IOCPP, *arguments, "--json", "--report", self.file], capture_output=True, text=True)
        self.assertEqual(run.returncode, code, run.stderr)
        text = self.file.read_text(encoding="utf-8")
        xml.fromstring(text.removeprefix("<!DOCTYPE html>"))
        page = Checked(text)
        self.assertEqual(page.problems, [])
        self.assertGreaterEqual(page.tables, page.charts + 1, "a chart has a table beside it")
        self.assertIn((PROJECT / "docs/site/report.css").read_text(encoding="utf-8"), text)
        self.assertIn("a & <b>.html", page.text, "the command, as it was typed")
        return page, json.loads(run.stdout)

    def test_storm(self):
        page, result = self.page_of("stress", "storm", self.serve(), "--connections", "1200")
        self.assertIn("still accepting", page.text)
        self.assertIn(f"echoed, ended in order{result['echoed']:,}", page.text)
        self.assertIn("1,200", page.text)
        self.assertEqual(page.charts, 1)

    def test_echo(self):
        page, result = self.page_of("stress", "echo", self.serve(), "--messages", "1234", "--connections", "2")
        self.assertEqual(result["messages"], 1234)
        for words in ("1,234 in", "p99.99", "up to 1", "%", "No error."):
            self.assertIn(words, page.text)
        self.assertEqual(page.charts, 2)

    def test_push(self):
        page, result = self.page_of("stress", "push", self.serve("discard"), "--connections", "3", "--duration", "50ms")
        self.assertIn("pushed", page.text)
        self.assertIn("No error.", page.text)

    def test_slow(self):
        page, result = self.page_of("stress", "slow", self.serve(), "--connections", "7", "--duration", "50ms")
        self.assertEqual(result["still_connected"], 7)
        self.assertIn("Slow senders", page.text)
        self.assertEqual(page.charts, 2)

    def test_idle(self):
        page, result = self.page_of("stress", "idle", self.serve(), "--connections", "1200", "--hold", "50ms")
        self.assertIn("still connected1,200", page.text)
        self.assertIn("user memory a connection", page.text)
        self.assertEqual(page.charts, 1)

    def test_errors_by_kind(self):
        page, result = self.page_of("stress", "echo", "127.0.0.1:1", "--connections", "5", code=1)
        self.assertEqual(result["errors"]["connect_refused"], 5)
        self.assertIn("FAILED", page.text)
        self.assertIn("connect refused5", page.text)

    def test_simulate(self):
        page, result = self.page_of("simulate", "--seeds", "1..2", "--connections", "200")
        for words in ("no violation in 6 runs", result["hash"], "Faults on io_uring", "Faults on iocp", "client_reset",
                      "accept", "drain"):
            self.assertIn(words, page.text)
        self.assertEqual(page.charts, 1)
        for cell in result["cells"]:
            name = rf"{cell['site']} {cell['error']} \([A-Z_]+\)" if cell["error"] else cell["site"]
            phases = [f"{count:,}" for phase, count in cell["phases"].items() if phase != "heal"]
            self.assertRegex(page.text, "".join([name, *phases, f"{cell['count']:,}"]))

    def test_a_file_that_cannot_be_made_ends_the_command_before_its_work(self):
        for command in (["stress", "echo", "127.0.0.1:1"], ["simulate", "--seed", "1"]):
            path = pathlib.Path(self.folder.name) / "none" / "page.html"
            run = subprocess.run([IOCPP, *command, "--report", path], capture_output=True, text=True)
            self.assertEqual((run.returncode, run.stdout), (2, ""))
            self.assertEqual(run.stderr, f"iocpp: --report {path}: No such file or directory\n")

    def test_a_page_that_cannot_be_written_whole_is_a_failure(self):
        run = subprocess.run([IOCPP, "simulate", "--seed", "1", "--connections", "10", "--report", "/dev/full"],
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 1)
        self.assertIn("--report /dev/full: No space left on device", run.stderr)

    def test_the_benchmarks_page_has_the_same_style(self):
        class Workload:
            name, text, unit = "echo-64", "64 B <messages>", "message"
        rows = [{"workload": "echo-64", "server": server, "median_us": 2.0, "best_us": 1.9, "worst_us": 2.1,
                 "ratios": {"raw": {"median": 1.0}}} for server in ("raw", "own & only")]
        text = bench_page.page({"machine": "a < b"}, [Workload], rows, "raw", "own & only", ["it > that"])
        xml.fromstring(text.removeprefix("<!DOCTYPE html>"))
        page = Checked(text)
        self.assertEqual(page.problems, [])
        self.assertIn((PROJECT / "docs/site/report.css").read_text(encoding="utf-8"), text)
        for words in ("64 B <messages>", "own & only1.002.0001.900–2.100", "a < b", "it > that"):
            self.assertIn(words, page.text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

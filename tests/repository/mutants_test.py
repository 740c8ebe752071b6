"""What the first lines of a mutant's patch say is read whole.

Usage: mutants_test.py ROOT
"""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(ROOT / "tests" / "mutants"))
import patches  # noqa: E402
import report  # noqa: E402

DIFF = "\n--- a/src/core/core.cpp\n+++ b/src/core/core.cpp\n@@ -1 +1 @@\n-a\n+b\n"


class Patch(unittest.TestCase):
    def test_only_fields_are_left_out_of_its_words(self):
        # A first line with a colon was taken for a field, and the table had an empty cell.
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "some-bug.patch"
            file.write_text("Rows: 1 2\nFound by: 3\nOptions: --platform iocp\nCalled in: core.cpp\n"
                            "A cancel counts as done: it is not.\nAnd so on.\n" + DIFF, encoding="utf-8")
            self.assertEqual(patches.read(file).words, "A cancel counts as done: it is not. And so on.")

    def test_each_has_words(self):
        self.assertEqual([mutant.name for mutant in patches.load(ROOT / "tests" / "mutants") if not mutant.words], [])


class Table(unittest.TestCase):
    def test_says_how_many_stand_for_a_row_and_how_many_for_none(self):
        def pair(name, rows):
            return patches.Mutant(name, rows, ["3"], "", [], "Words.", []), report.hunt.Kill("3", seed=1, platform="epoll")
        kills = [pair("a", [0]), pair("b", [0]), pair("c", [])]
        rows = [(0, "*", "what", kills[:2], ""), (1, "*", "other", [], "test A.b_c")]
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            page.write_text(f"head\n{report.TABLE_BEGIN}\nold\n{report.TABLE_END}\ntail\n", encoding="utf-8")
            report.write_markdown(page, rows, kills)
            text = page.read_text(encoding="utf-8")
        self.assertIn("3 mutants, all found: 2 stand for 1 of the 2 rows, 1 for none of them (the last rows).", text)
        self.assertIn("`a`: invariant 3, seed 1 on epoll<br/>`b`", text)
        self.assertNotIn("old", text)


if __name__ == "__main__":
    unittest.main()

"""The summary must count what CTest reports, above all what did not run though it should have."""

import contextlib
import io
import pathlib
import tempfile
import unittest

import summary

PASSED = '<testcase name="Good.passes" status="run"><system-out>fine</system-out></testcase>'
FAILED = '<testcase name="Bad.fails" status="fail"><failure message=""/><system-out>1 != 2</system-out></testcase>'
MISSING = '<testcase name="Bad.missing" status="notrun"><skipped message="Unable to find executable"/></testcase>'
DISABLED = '<testcase name="Good.sleeps" status="disabled"><system-out>Disabled</system-out></testcase>'
SKIPPED_BY_GTEST = """
    <testcase name="Good.skips" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/><system-out>
[ RUN      ] Good.skips
tests/good_test.cpp:3: Skipped
no io_uring here:
EPERM
[  SKIPPED ] Good.skips (0 ms)
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] Good.skips
</system-out></testcase>"""
SKIPPED_BY_CODE = """
    <testcase name="Header.one" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/><system-out>trying
clang++ is not installed
</system-out></testcase>"""

PROGRAM = '<testcase name="core_test" status="run"/>'
FAILED_PROGRAM = '<testcase name="core_test" status="fail"><failure message=""/></testcase>'
REPORT = """<testsuites><testsuite>
    <testcase classname="Core" name="passes" status="run" result="completed"/>
    <testcase classname="Core" name="skips" status="run" result="skipped"><skipped message="x"><![CDATA[core_test.cpp:3
no io_uring here]]></skipped></testcase>
    </testsuite></testsuites>"""
REPORT_OF_FAILURE = REPORT.replace('completed"/>', 'completed"><failure message="1 != 2">1 != 2</failure></testcase>')


class Summary(unittest.TestCase):
    def summarise(self, report=None, **presets):
        """(exit code, lines) for results with these test cases; None is a preset that has no results."""
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as printed:
            arguments = []
            if report is not None:
                (pathlib.Path(folder) / "gtest").mkdir()
                (pathlib.Path(folder) / "gtest" / "core_test.xml").write_text(report, encoding="utf-8")
            for preset, cases in presets.items():
                results = pathlib.Path(folder) / f"{preset}.xml"
                if cases is not None:
                    results.write_text(f"<testsuite>{cases}</testsuite>", encoding="utf-8")
                arguments.append(f"{preset}={results}")
            code = summary.main(arguments)
        return code, printed.getvalue().splitlines()

    def test_passes_and_skips_are_success_and_reasons_are_shown(self):
        code, lines = self.summarise(release=PASSED + SKIPPED_BY_GTEST + SKIPPED_BY_CODE + DISABLED)
        self.assertEqual(code, 0)
        self.assertEqual(lines[-1], "1 passed, 0 failed, 3 skipped")
        self.assertIn("skipped: Good.skips: no io_uring here: EPERM", lines)
        self.assertIn("skipped: Header.one: clang++ is not installed", lines)
        self.assertIn("skipped: Good.sleeps: disabled", lines)

    def test_suites_are_counted_apart(self):
        _, lines = self.summarise(release=PASSED + FAILED + SKIPPED_BY_GTEST)
        counts = {line.split()[0]: line.split()[1:] for line in lines if line.startswith(("Good ", "Bad "))}
        self.assertEqual(counts, {"Good": ["1", "0", "1"], "Bad": ["0", "1", "0"]})

    def test_sums_are_over_all_presets(self):
        code, lines = self.summarise(release=PASSED, asan=PASSED + FAILED)
        self.assertEqual((code, lines[-1]), (1, "2 passed, 1 failed, 0 skipped"))
        self.assertEqual(lines[-4:], ["failed in asan: Bad.fails", "    1 != 2", "", lines[-1]])

    def test_a_test_whose_program_is_missing_failed(self):
        code, lines = self.summarise(release=PASSED + MISSING)
        self.assertEqual((code, lines[-1]), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertIn("failed in release: Bad.missing: Unable to find executable", lines)

    def test_a_preset_without_results_failed(self):
        for nothing in (None, "", "<"):
            with self.subTest(nothing):
                code, lines = self.summarise(release=PASSED, tsan=nothing)
                self.assertEqual((code, lines[-1]), (1, "1 passed, 1 failed, 0 skipped"))

    def test_a_whole_programs_tests_are_counted_one_by_one(self):
        code, lines = self.summarise(report=REPORT, windows=PASSED + PROGRAM)
        self.assertEqual((code, lines[-1]), (0, "2 passed, 0 failed, 1 skipped"))
        self.assertIn("skipped: Core.skips: no io_uring here", lines)
        code, lines = self.summarise(report=REPORT_OF_FAILURE, windows=PASSED + FAILED_PROGRAM)
        self.assertEqual((code, lines[-1]), (1, "1 passed, 1 failed, 1 skipped"))
        self.assertEqual(lines[lines.index("failed in windows: Core.passes") + 1], "    1 != 2")

    def test_a_whole_program_that_crashed_failed(self):
        for report, passed in ((None, 0), (REPORT, 1)):
            code, lines = self.summarise(report=report, windows=FAILED_PROGRAM)
            self.assertEqual(code, 1)
            self.assertTrue(lines[-1].startswith(f"{passed} passed, 1 failed"), lines[-1])
            self.assertIn("failed in windows: core_test", lines)

    def test_of_a_long_output_the_begin_and_the_end_are_shown(self):
        long = FAILED.replace("1 != 2", "\n".join(f"line {number}" for number in range(1000)))
        _, lines = self.summarise(release=long)
        self.assertEqual((lines[-3], len(lines) < 60), ("    line 999", True))
        self.assertIn("    line 0", lines)
        self.assertIn("    ... 960 more lines ...", lines)

    def test_skips_alone_are_no_success(self):
        code, lines = self.summarise(release=SKIPPED_BY_CODE)
        self.assertEqual((code, lines[-1]), (1, "0 passed, 0 failed, 1 skipped"))


if __name__ == "__main__":
    unittest.main()

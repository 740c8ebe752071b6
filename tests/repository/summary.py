"""What CTest ran, by suite, and why it skipped what it skipped; then what failed, and the sums as the last line.

Usage: summary.py PRESET=RESULTS.xml... (from `ctest --output-junit`). Exits 1 on a failure, and when nothing ran.
A preset whose results are missing or empty counts as one failure. A test that is a whole program of GoogleTest's is
replaced by what its own report, gtest/NAME.xml beside the results, says of each of its tests.
"""

import collections
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

Outcome = collections.namedtuple("Outcome", "test verdict reason output", defaults=[""])

# Of what a failed test printed, from its begin, where a seed is named, and from its end; all of it is where CTest ran it.
FIRST_LINES_SHOWN, LAST_LINES_SHOWN = 8, 32

GTEST_SKIP = re.compile(r": Skipped\n(.*?)^\[  SKIPPED \]", re.DOTALL | re.MULTILINE)

# CTest's words for a skip that the test itself asked for. A test whose program is missing is "skipped" too: that is a failure.
ASKED_TO_SKIP = ("SKIP_RETURN_CODE", "SKIP_REGULAR_EXPRESSION")


def skip_reason(output):
    said = GTEST_SKIP.search(output)
    lines = (said.group(1) if said else output).strip().splitlines()
    return " ".join(lines) if said else (lines[-1] if lines else "")


def outcome_of(case):
    name = case.get("name")
    output = case.findtext("system-out") or case.findtext("failure") or ""
    skipped = case.find("skipped")
    if case.get("status") == "run":
        return Outcome(name, "passed", "")
    if case.get("status") == "disabled":
        return Outcome(name, "skipped", "disabled")
    if skipped is not None and skipped.get("message", "").startswith(ASKED_TO_SKIP):
        return Outcome(name, "skipped", skip_reason(output) or "no reason given")
    return Outcome(name, "failed", skipped.get("message", "") if skipped is not None else "", output)


def outcome_in_report(case):
    """Of a test case in a report of GoogleTest's."""
    name = f"{case.get('classname')}.{case.get('name')}"
    skipped = case.find("skipped")
    failure = case.find("failure")
    if failure is not None:
        return Outcome(name, "failed", "", failure.text or "")
    if skipped is not None:
        lines = (skipped.text or "").strip().splitlines()
        return Outcome(name, "skipped", " ".join(lines[1:] or lines) or "no reason given")
    return Outcome(name, "skipped", "disabled") if case.get("status") == "notrun" else Outcome(name, "passed", "")


def outcomes_of_case(case, reports):
    """One outcome, or those of the program that the case is. A program that failed without a failed test has crashed."""
    outcome = outcome_of(case)
    report = reports / f"{outcome.test}.xml"
    if not report.is_file():
        return [outcome]
    outcomes = [outcome_in_report(one) for one in ElementTree.parse(report).iter("testcase")]
    crashed = outcome.verdict == "failed" and all(one.verdict != "failed" for one in outcomes)
    return outcomes + [outcome] if crashed else outcomes


def outcomes_of(results):
    """The outcomes in a results file; one failure where there are none to read."""
    try:
        outcomes = []
        for case in ElementTree.parse(results).iter("testcase"):
            outcomes += outcomes_of_case(case, results.parent / "gtest")
    except (OSError, ElementTree.ParseError) as error:
        return [Outcome("build", "failed", f"it did not build, or its tests broke off: {error}")]
    return outcomes or [Outcome("build", "failed", "no test was found")]


def suites_of(outcomes):
    """Counts by verdict, by suite: what stands before the first dot of a test's name."""
    suites = collections.defaultdict(collections.Counter)
    for outcome in outcomes:
        suites[outcome.test.split(".")[0]][outcome.verdict] += 1
    return suites


def print_preset(preset, outcomes):
    suites = suites_of(outcomes)
    width = max(map(len, [*suites, preset]))
    print(f"\n{preset:<{width}}  passed  failed  skipped")
    for suite, counts in sorted(suites.items()):
        print(f"{suite:<{width}}  {counts['passed']:6}  {counts['failed']:6}  {counts['skipped']:7}")
    for outcome in outcomes:
        if outcome.verdict == "skipped":
            print(f"skipped: {outcome.test}: {outcome.reason}")


def print_failure(preset, outcome):
    print(f"\nfailed in {preset}: {outcome.test}" + (f": {outcome.reason}" if outcome.reason else ""))
    lines = outcome.output.splitlines()
    left_out = len(lines) - FIRST_LINES_SHOWN - LAST_LINES_SHOWN
    if left_out > 0:
        lines[FIRST_LINES_SHOWN:-LAST_LINES_SHOWN] = [f"... {left_out} more lines ..."]
    for line in lines:
        print(f"    {line}")


def main(arguments):
    sums = collections.Counter()
    failures = []
    for argument in arguments:
        preset, _, results = argument.partition("=")
        outcomes = outcomes_of(pathlib.Path(results))
        print_preset(preset, outcomes)
        sums.update(outcome.verdict for outcome in outcomes)
        failures += [(preset, outcome) for outcome in outcomes if outcome.verdict == "failed"]
    for failure in failures:
        print_failure(*failure)
    print(f"\n{sums['passed']} passed, {sums['failed']} failed, {sums['skipped']} skipped")
    return 1 if sums["failed"] or not sums["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

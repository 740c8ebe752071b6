"""The tests of the pages must see what they are there for: a changed byte, a dead link, a name of nothing."""

import pathlib
import tempfile
import unittest

import page_examples
import page_links
import page_names
import page_output

import links  # of docs/site, whose folder they have put on the path

EXAMPLE = "int main() {\n  return 0;\n}\n"
LISTS = "add_executable(echo echo/echo.cpp)\n"


class Pages(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.root = pathlib.Path(holder.name)
        self.write("examples/echo/echo.cpp", EXAMPLE)
        self.write("examples/CMakeLists.txt", LISTS)
        self.write("docs/README.md", "# All\n")

    def write(self, name, text):
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())


class WholeExample(Pages):
    def difference(self, readme):
        self.write("README.md", readme)
        return page_examples.difference(self.root)

    def test_the_same_bytes_are_no_difference(self):
        self.assertEqual(self.difference(f"# x\n\n```sh\nls\n```\n```cpp\n{EXAMPLE}```\n"), "")

    def test_one_changed_byte_is_shown(self):
        self.assertIn("+  return 1;", self.difference(f"```cpp\n{EXAMPLE.replace('0', '1')}```\n"))

    def test_only_the_first_block_counts(self):
        self.assertIn("+int x;", self.difference(f"```cpp\nint x;\n```\n```cpp\n{EXAMPLE}```\n"))

    def test_other_line_ends_are_a_difference(self):
        self.assertNotEqual(self.difference("```cpp\n" + EXAMPLE.replace("\n", "\r\n") + "```\n"), "")

    def test_a_missing_block_is_a_difference(self):
        self.assertIn("no ```cpp block", self.difference("# x\n"))


class PartOfAnExample(Pages):
    def found(self):
        return "".join([*page_examples.not_compiled(self.root), *page_examples.not_marked(self.root)])

    def test_a_part_of_an_example_is_compiled(self):
        self.write("README.md", "```cpp\nreturn 0;\n```\n")
        self.assertEqual(self.found(), "")

    def test_half_a_line_is_not(self):
        self.write("README.md", "```cpp\nreturn\n```\n")
        self.assertIn("README.md:2", self.found())

    def test_neither_is_a_part_of_a_file_that_nothing_compiles(self):
        self.write("examples/other/other.cpp", "int other;\n")
        self.write("README.md", "```cpp\nint other;\n```\n")
        self.assertIn("int other;", self.found())

    def test_code_of_a_comment_counts(self):
        self.write("include/iocpp/x.hpp", "/// Says:\n///\n///     return 1;\nint x();\n")
        self.assertIn("x.hpp:3", self.found())

    def test_code_in_an_indented_block_is_seen(self):
        self.write("README.md", "text\n\n    int x = 1;\n")
        self.assertIn("README.md:3", self.found())

    def test_a_list_of_the_build_counts_too(self):
        self.write("README.md", "```cmake\nadd_executable(echo echo/echo.cpp)\n```\n")
        self.assertEqual(self.found(), "")
        self.write("README.md", "```cmake\nadd_executable(other)\n```\n")
        self.assertIn("add_executable(other)", self.found())


class Links(Pages):
    def dead(self, readme):
        self.write("README.md", readme)
        return "\n".join([*page_links.dead(self.root), *page_links.not_reached(self.root)])

    def test_a_file_and_a_heading_that_are_there(self):
        self.write("docs/X.md", "# X\n\n## The `a_b`, and c\n")
        self.write("docs/README.md", "[x](X.md)\n")
        self.assertEqual(self.dead("[x](docs/X.md#the-a_b-and-c) [y](https://example.org/z)\n"), "")

    def test_a_file_that_is_not(self):
        self.assertIn("README.md:1: docs/X.md is not there", self.dead("[x](docs/X.md)\n"))

    def test_a_heading_that_is_not(self):
        self.assertIn("no such heading", self.dead("# A\n\n[x](#b)\n"))

    def test_code_has_no_links(self):
        self.assertEqual(self.dead("```sh\n[x](y)\n```\n"), "")

    def test_a_page_that_the_first_one_does_not_lead_to(self):
        self.write("docs/X.md", "# X\n")
        self.assertIn("does not lead to docs/X.md", self.dead(""))


class Names(Pages):
    HELPS = {"serve": "--listen X", "stress": "", "simulate": "--seed N"}

    def missing(self, page, text):
        self.write("tests/x_test.cpp", "TEST(Accept, goes_on) {}\nTYPED_TEST(Typed, goes_on) {}\n")
        self.write("tests/CMakeLists.txt", "add_test(NAME Built.on_${backend} COMMAND x)\n")
        self.write("tests/mutants/a-b.patch", "")
        self.write("scripts/run", "python3 tests/run.py\n")
        self.write("tests/run.py", "'--fast'\n")
        self.write(page, text)
        return "\n".join(page_names.missing(self.root, self.HELPS))

    def test_what_is_there(self):
        self.assertEqual(self.missing("docs/GUARANTEES.md", "`Accept.goes_on` `Table/Typed.goes_*` `Built.on_epoll` `a-b` `scripts/run --fast`\n\n"
                                      "    iocpp serve --listen 1\n"), "")

    def test_a_test_that_is_not(self):
        self.assertIn("no test Accept.ends_now", self.missing("README.md", "`Accept.ends_now`"))
        self.assertIn("no test Accept.e_*", self.missing("README.md", "`Accept.e_*`"))

    def test_a_mutant_that_is_not(self):
        self.assertIn("no mutant a-c", self.missing("docs/GUARANTEES.md", "`a-c`"))

    def test_a_script_and_an_option_that_are_not(self):
        self.assertIn("scripts/walk is not there", self.missing("README.md", "text\n\n    scripts/walk\n"))
        self.assertIn("scripts/run has no --slow", self.missing("README.md", "`scripts/run --slow`"))

    def test_an_option_of_the_program_that_is_not(self):
        self.assertIn("iocpp simulate has no --listen", self.missing("README.md", "`build/iocpp simulate --listen 1`"))


class Output(Pages):
    BLOCK = "    FAILED, seed 1: x\n      1 connection\n        ...\n"
    PRINTED = "fine\nso: FAILED, seed 1: x\n  1 connection\n  more\n"

    def test_the_same_lines_are_no_difference(self):
        self.assertEqual(page_output.block_in(f"text\n\n    other\n\n{self.BLOCK}\ntext\n", "FAILED"), self.BLOCK)
        self.assertEqual(page_output.as_printed(self.BLOCK.replace("FAILED", "so: FAILED"), "FAILED", self.PRINTED),
                         self.BLOCK.replace("FAILED", "so: FAILED"))

    def test_other_lines_are_one_and_are_written(self):
        self.write("docs/TUTORIAL.md", "text\n\n    3 runs passed: 1\n\n    FAILED, seed 2\n")
        self.write("docs/SIMULATING.md", f"text\n\n{self.BLOCK}\ntext\n")
        outputs = {"tutorial_test": "3 runs passed: 2\n", "tutorial_broken": "FAILED, seed 2\n", "simulated_test": self.PRINTED}
        self.assertIn("+    3 runs passed: 2", "".join(page_output.compared(self.root, outputs, False)))
        self.assertEqual(list(page_output.compared(self.root, outputs, True)), [])
        self.assertEqual(list(page_output.compared(self.root, outputs, False)), [])
        self.assertIn("3 runs passed: 2", (self.root / "docs/TUTORIAL.md").read_text(encoding="utf-8"))

    def test_a_program_that_prints_nothing_of_it_is_a_difference(self):
        self.write("docs/TUTORIAL.md", "    3 runs passed: 1\n\n    FAILED, seed 2\n")
        self.write("docs/SIMULATING.md", "    FAILED, seed 2\n")
        outputs = {"tutorial_test": "", "tutorial_broken": "FAILED, seed 2\n", "simulated_test": "FAILED, seed 2\n"}
        self.assertIn("-    3 runs passed: 1", "".join(page_output.compared(self.root, outputs, True)))


class Site(Pages):
    def dead(self, body):
        self.write("html/a.html", f'<p id="here">{body}</p>')
        self.write("html/b/c.html", '<a name="there"></a>')
        return "\n".join(links.dead(self.root / "html"))

    def test_links_within_and_to_elsewhere(self):
        self.assertEqual(self.dead('<a href="#here"></a><a href="b/c.html#there"></a><a href="https://example.org/"></a>'), "")

    def test_dead_ones(self):
        self.assertIn("d.html is not there", self.dead('<img src="d.html">'))
        self.assertIn("#gone: no such anchor", self.dead('<a href="#gone"></a>'))
        self.assertIn("b/c.html#here: no such anchor", self.dead('<a href="b/c.html#here"></a>'))

    def test_a_page_to_which_nothing_leads(self):
        self.write("html/index.html", '<a href="a.html"></a>')
        self.write("html/a.html", '<a href="https://example.org/"></a>')
        self.assertEqual(list(links.not_reached(self.root / "html")), [])
        self.write("html/b.html", '<a href="a.html"></a>')
        self.assertEqual(list(links.not_reached(self.root / "html")), ["b.html: no link leads there"])

    def test_what_is_no_address(self):
        self.assertIn("https://nowhere is no address", self.dead('<a href="https://nowhere"></a>'))


if __name__ == "__main__":
    unittest.main()

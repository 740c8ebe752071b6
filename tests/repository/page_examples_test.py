"""The README test must see one changed byte, a missing block and changed line ends."""

import pathlib
import tempfile
import unittest

import page_examples

EXAMPLE = "int main() {\n  return 0;\n}\n"


class ReadmeEcho(unittest.TestCase):
    def difference(self, readme):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "examples" / "echo").mkdir(parents=True)
            (root / "examples" / "echo" / "echo.cpp").write_bytes(EXAMPLE.encode())
            (root / "README.md").write_bytes(readme.encode())
            return page_examples.difference(root)

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


if __name__ == "__main__":
    unittest.main()

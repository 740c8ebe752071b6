"""The checks of a release must find what does not agree; the same commit must make the same archive."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging"))

import release  # noqa: E402
import sbom  # noqa: E402

VERSION = re.search(r"iocpp VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")).group(1)
MAJOR, MINOR, PATCH = VERSION.split(".")
SERIES = f"{MAJOR}.{MINOR}"
OTHER = f"{MAJOR}.{int(MINOR) + 1}"


class Release(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        pages = [page for pattern in release.PAGES for page in ROOT.glob(pattern)]
        for path in {*pages, ROOT / "CHANGELOG.md", *(ROOT / name for name, _, _ in release.NAMED)}:
            copy = self.root / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        self.write("CHANGELOG.md", f"# Changes\n\n## {VERSION} - 2026-11-26\n\n### Added\n\n- All of it.\n")
        release.git(self.root, "init", "-q")
        self.commit()

    def write(self, name, text):
        (self.root / name).write_text(text, encoding="utf-8")

    def change(self, name, old, new):
        text = (self.root / name).read_text(encoding="utf-8")
        self.assertIn(old, text)
        self.write(name, text.replace(old, new))
        self.commit()

    def commit(self):
        release.git(self.root, "add", "-A")
        release.git(self.root, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "a")

    def objections(self, version=VERSION):
        return release.objections(self.root, version)

    def test_what_agrees_is_released(self):
        self.assertEqual(self.objections(), [])

    def test_another_version_is_noticed_wherever_it_is_named(self):
        for name, old, new in (("CMakeLists.txt", f"iocpp VERSION {VERSION}", f"iocpp VERSION {OTHER}.0"),
                               ("include/iocpp/version.hpp", f"VERSION_PATCH {PATCH}", f"VERSION_PATCH 1{PATCH}"),
                               ("packaging/vcpkg/vcpkg.json", f'"{VERSION}"', f'"{OTHER}.0"'),
                               ("packaging/debian/changelog", f"({VERSION}-1)", f"({OTHER}.0-1)"),
                               ("SECURITY.md", f"| {SERIES} | yes", f"| {OTHER} | yes"),
                               ("README.md", f"find_package(iocpp {SERIES}", f"find_package(iocpp {OTHER}"),
                               ("CHANGELOG.md", f"## {VERSION} - 2026-11-26", "## Unreleased"),
                               ("CHANGELOG.md", "## Unreleased", f"## {VERSION}")):
            with self.subTest(name=name, new=new):
                before = len(self.objections())
                self.change(name, old, new)
                found = self.objections()
                self.assertTrue(any(one.startswith(name) for one in found), found)
                self.assertGreaterEqual(len(found), max(before, 1))

    def test_an_empty_section_is_noticed(self):
        self.change("CHANGELOG.md", "- All of it.", "")
        self.assertEqual(len(self.objections()), 1)

    def test_another_version_than_asked_for_is_noticed(self):
        self.assertGreater(len(self.objections(f"{OTHER}.0")), 5)

    def test_what_is_no_version_is_noticed(self):
        for version in ("1", "0.1", "v0.1.0", "0.01.0", "0.1.0-rc1"):
            self.assertEqual(len(self.objections(version)), 1, version)

    def test_what_is_not_committed_is_noticed(self):
        self.write("new.txt", "")
        self.assertIn("new.txt", self.objections()[0])

    def test_a_tag_of_another_commit_is_noticed(self):
        release.git(self.root, "tag", f"v{VERSION}")
        self.assertEqual(self.objections(), [])
        self.write("new.txt", "")
        self.commit()
        self.assertEqual(len(self.objections()), 1)

    def test_the_same_commit_makes_the_same_archive(self):
        first = release.digest(release.archive(self.root, VERSION, self.root))
        self.assertEqual(release.digest(release.archive(self.root, VERSION, self.root)), first)
        listed = subprocess.run(["tar", "tzf", self.root / f"iocpp-{VERSION}.tar.gz"], capture_output=True, text=True,
                                check=True).stdout.split()
        self.assertIn(f"iocpp-{VERSION}/CMakeLists.txt", listed)

    def test_the_bill_names_each_file_and_what_it_links(self):
        files = {name: "0" * 64 for name in ("iocpp-0.1.0.tar.gz", "libiocpp0.1_0.1.0-1_amd64.deb",
                                             "iocpp-tools_0.1.0-1_amd64.deb", "iocpp-0.1.0-windows-x86_64.zip")}
        bill = sbom.document(VERSION, files, "2026-11-26T00:00:00Z", "abc", versions=lambda package: "1:2+3")
        ids = [package["SPDXID"] for package in bill["packages"]]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertLessEqual({f"SPDXRef-{name.replace('_', '-')}" for name in files}, set(ids))
        relations = {(one["spdxElementId"], one["relationshipType"], one["relatedSpdxElement"])
                     for one in bill["relationships"]}
        self.assertIn(("SPDXRef-libiocpp0.1-0.1.0-1-amd64.deb", "DYNAMIC_LINK", "SPDXRef-liburing2"), relations)
        self.assertIn(("SPDXRef-iocpp-0.1.0-windows-x86-64.zip", "STATIC_LINK", "SPDXRef-libcli11-dev"), relations)
        for source, _, target in relations:
            self.assertLessEqual({source, target}, {*ids, "SPDXRef-DOCUMENT"})


if __name__ == "__main__":
    if shutil.which("git") is None:
        print("git is not installed")
        sys.exit(77)
    unittest.main()

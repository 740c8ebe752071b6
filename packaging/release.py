"""Checks that everything agrees on a version, and makes what is published of it.

Usage: release.py VERSION [--make]. Without --make it only checks. Nothing is tagged, signed or sent anywhere.
"""

import argparse
import datetime
import gzip
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys

import sbom

ROOT = pathlib.Path(__file__).resolve().parents[1]

# Files that name the version, and how: each must, and no other.
NAMED = [
    ("CMakeLists.txt", r"project\(iocpp VERSION (\S+)", "{version}"),
    ("include/iocpp/version.hpp", r'IOCPP_VERSION "(\S+)"', "{version}"),
    ("include/iocpp/version.hpp", r"IOCPP_VERSION_MAJOR (\S+)", "{major}"),
    ("include/iocpp/version.hpp", r"IOCPP_VERSION_MINOR (\S+)", "{minor}"),
    ("include/iocpp/version.hpp", r"IOCPP_VERSION_PATCH (\S+)", "{patch}"),
    ("packaging/vcpkg/vcpkg.json", r'"version": "(\S+)"', "{version}"),
    ("packaging/debian/changelog", r"\Aiocpp \((\S+?)-\d+\)", "{version}"),
    ("SECURITY.md", r"^\| (\S+) \| yes", "{major}.{minor}"),
]
# Pages and projects that name the series (major and minor): wherever they do.
SERIES = re.compile(r"libiocpp\.so\.(\d+\.\d+)\b|libiocpp(\d+\.\d+)\b|find_package\(iocpp (\d+\.\d+)")
PAGES = ("README.md", "docs/*.md", "tests/packaging/consumer/CMakeLists.txt")


def git(root, *arguments):
    return subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=True).stdout.strip()


def names_that_differ(root, version):
    major, minor, patch = version.split(".")
    for name, pattern, template in NAMED:
        wanted = template.format(version=version, major=major, minor=minor, patch=patch)
        found = re.findall(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE)
        if found != [wanted]:
            yield f"{name}: {' and '.join(found) or 'nothing'} where {wanted} should be"
    for page in (page for pattern in PAGES for page in sorted(root.glob(pattern))):
        for groups in SERIES.findall(page.read_text(encoding="utf-8")):
            if (named := "".join(groups)) != f"{major}.{minor}":
                yield f"{page.relative_to(root)}: names {named}, not {major}.{minor}"


def changelog_that_differs(root, version):
    """CHANGELOG's first section is the version's, with its day, and not empty."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    head, _, body = (sections[0] if sections else "").partition("\n")
    if not re.fullmatch(rf"{re.escape(version)} - \d{{4}}-\d\d-\d\d", head):
        yield f"CHANGELOG.md: its first section is '{head}', and should be '{version} - YYYY-MM-DD'"
    elif not re.search(r"^- ", body, re.MULTILINE):
        yield f"CHANGELOG.md: nothing is said of {version}"


def tree_that_differs(root, version):
    """What is committed is what is released, once."""
    if changed := git(root, "status", "--porcelain"):
        yield f"the tree is not clean:\n{changed}"
    tag = f"v{version}"
    if git(root, "tag", "--list", tag) and git(root, "rev-parse", f"{tag}^{{commit}}") != git(root, "rev-parse", "HEAD"):
        yield f"{tag} is another commit already"


def objections(root, version):
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version):
        return [f"{version} is no version: MAJOR.MINOR.PATCH"]
    return [one for check in (names_that_differ, changelog_that_differs, tree_that_differs) for one in check(root, version)]


def archive(root, version, folder):
    """The sources of the commit; the same commit makes the same bytes (no name and time in gzip's header)."""
    tar = subprocess.run(["git", "-C", root, "archive", "--format=tar", f"--prefix=iocpp-{version}/", "HEAD"],
                         capture_output=True, check=True).stdout
    path = folder / f"iocpp-{version}.tar.gz"
    path.write_bytes(gzip.compress(tar, 9, mtime=0))
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make(root, version):
    """All that is published, in build/releases/VERSION."""
    folder = root / "build" / "releases" / version
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    archive(root, version, folder)
    subprocess.run([root / "scripts" / "package"], check=True)
    for kind in ("deb", "zip"):
        for package in (root / "build" / "packages").glob(f"*.{kind}"):
            shutil.copy2(package, folder)
    subprocess.run([root / "scripts" / "test-packages", "--packages", folder], check=True)
    files = {path.name: digest(path) for path in folder.iterdir()}
    created = datetime.datetime.fromtimestamp(int(git(root, "log", "-1", "--format=%ct")), datetime.timezone.utc)
    bill = sbom.document(version, files, created.strftime("%Y-%m-%dT%H:%M:%SZ"), git(root, "rev-parse", "HEAD"))
    (folder / f"iocpp-{version}.spdx.json").write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")
    sums = "".join(f"{digest(path)}  {path.name}\n" for path in sorted(folder.iterdir()))
    (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")
    return folder


def main():
    parser = argparse.ArgumentParser(description="Checks a release, and with --make makes its files.")
    parser.add_argument("version")
    parser.add_argument("--make", action="store_true", help="make build/releases/VERSION too")
    arguments = parser.parse_args()
    found = objections(ROOT, arguments.version)
    print("\n".join(found) or f"{arguments.version}: sources, headers, changelog, packages and pages agree; the tree is clean")
    if found:
        return 1
    if not arguments.make:
        print("nothing was made; --make makes the archives, SHA256SUMS and the bill of materials")
        return 0
    folder = make(ROOT, arguments.version)
    print((folder / "SHA256SUMS").read_text(encoding="utf-8"))
    print(f"in {folder.relative_to(ROOT)}. Left to you, by the tool of your choice: sign SHA256SUMS, sign the tag "
          f"v{arguments.version} of this commit, publish.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

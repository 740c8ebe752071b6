"""Every way in that can be tried here, and what was printed, as CTest writes it (--output-junit).

Usage: run.py --tree BUILD_FOLDER [--windows-tree BUILD_FOLDER] [--packages FOLDER] --results FILE
--tree has the shared and the static library, the simulator and the program; --windows-tree what the archive for Windows
is made of. --packages: packages that are made already (scripts/package); else they are made of the trees.
"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import sys
import tempfile
import time
import traceback
import xml.etree.ElementTree as ElementTree

import ways
from served import Failed, run

SKIPPED = "SKIP_RETURN_CODE=77"


def installed(tree, work):
    """Installed, and moved: a package's files name each other by their relative places."""
    run("cmake", "--install", tree, "--prefix", work / "first")
    (work / "first").rename(work / "moved")
    return ways.Installed(work / "moved")


def packages_of(tree, work, kind):
    """What CPack makes of a build folder, if there is one."""
    if tree is None:
        return []
    folder = work / f"made-{kind}"
    run("cpack", "--config", tree / "CPackConfig.cmake", "-B", folder)
    return sorted(folder.glob(f"*.{kind}"))


def cases(arguments, work):
    """(name, what is done); the longest first."""
    made = installed(arguments.tree, work)
    given = arguments.packages
    debs = sorted(given.glob("*.deb")) if given else packages_of(arguments.tree, work, "deb")
    yield "add_subdirectory_shared", lambda: ways.embedded("add_subdirectory", work / "subdirectory",
                                                           "-DBUILD_SHARED_LIBS=ON", "-DCMAKE_UNITY_BUILD=ON")
    zips = sorted(given.glob("*.zip")) if given else packages_of(arguments.windows_tree, work, "zip")
    if zips:  # scripts/package may have been asked for the others alone.
        yield "windows_archive_in_wine", lambda: ways.windows_archive(zips[0], work / "windows")
    yield "debian_packages_installed", lambda: ways.debian_packages(debs, work / "debian")
    yield "find_package_simulator", lambda: ways.find_simulator(made, work / "simulator")
    for kind in ("static", "shared"):
        yield f"find_package_{kind}", lambda kind=kind: ways.find_package(made, work / f"found-{kind}", kind, kind)
        yield f"pkg_config_{kind}", lambda kind=kind: ways.pkg_config(made, work / f"pc-{kind}", kind)
    yield "pkg_config_in_its_own_folder", lambda: ways.pkg_config_in_its_own_folder(made, work / "pc-rpath")
    yield "pkg_config_static_beside_shared", lambda: ways.pkg_config_static_beside_shared(made, work / "pc-beside")
    yield "pkg_config_simulator", lambda: ways.pkg_config_simulator(made, work / "pc-simulator")
    yield "find_package_takes_the_shared_one", lambda: ways.find_package(made, work / "found", "", "shared")
    yield "find_package_refuses", lambda: ways.refused(made, work / "refused")
    yield "debian_packages_say_what_they_need", lambda: ways.debian_fields(debs)
    yield "installed_files_name_no_other_folder", lambda: ways.no_foreign_paths(made)
    # The same objects as the first: ccache, where it is installed, has them by now.
    yield "fetch_content", lambda: ways.embedded("fetch_content", work / "fetched", "-DIOCPP_SHARED=ON")


def fail(failure):
    raise failure


def outcome(name, case):
    """A test case as CTest has it."""
    began = time.monotonic()
    element = ElementTree.Element("testcase", name=f"Packages.{name}")
    said = ElementTree.SubElement(element, "system-out")
    try:
        said.text = case()
        element.set("status", "run" if said.text is not None else "notrun")
        if said.text is None:
            ElementTree.SubElement(element, "skipped", message=SKIPPED)
            said.text = "mingw-w64 or Wine is not installed (scripts/setup --windows installs them)"
    except Failed as failure:
        said.text = str(failure)
    except Exception:  # A test that breaks off is a failed one.
        said.text = traceback.format_exc()
    if element.get("status") is None:
        element.set("status", "fail")
        ElementTree.SubElement(element, "failure", message="")
    element.set("time", f"{time.monotonic() - began:.1f}")
    said.text = "".join(letter for letter in said.text if letter.isprintable() or letter in "\n\t")
    print(f"{element.get('status'):6} {element.get('time'):>6} s  {name}", flush=True)
    if element.get("status") == "fail":
        print(said.text, flush=True)
    return element


def main():
    parser = argparse.ArgumentParser()
    for option in ("tree", "windows-tree", "packages", "results"):
        parser.add_argument(f"--{option}", type=lambda path: pathlib.Path(path).resolve())
    arguments = parser.parse_args()
    if shutil.which("ccache"):
        os.environ["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
    suite = ElementTree.Element("testsuite", name="packages")
    with tempfile.TemporaryDirectory(prefix="iocpp-packages-") as work:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            try:
                suite.extend(pool.map(lambda pair: outcome(*pair), cases(arguments, pathlib.Path(work))))
            except Failed as failure:
                suite.append(outcome("packages_are_made", lambda: fail(failure)))
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suite).write(arguments.results)
    return 1 if any(case.get("status") == "fail" for case in suite) else 0


if __name__ == "__main__":
    sys.exit(main())

"""The lines that install from the sources, as pages have them, configure, and let no warning be an error: what one compiler
warns of at one level of optimisation, another reader's build must survive.

It configures only: a build of them takes minutes, and what is compiled is what every preset compiles. That warnings are
there or not depends on the compiler at hand; that none of them ends the build does not. The presets, which CI builds, are
as strict as ever.

Usage: install_lines.py SOURCE_ROOT. Exits 1, with what is wrong, when something is.
"""

import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "docs" / "site"))
import markdown  # noqa: E402

PAGES = ("README.md", "docs/PACKAGING.md")


def install_lines(text):
    """The options of each line that configures this project's own sources: the first command, without its comment."""
    for line, kind in markdown.lines(text):
        words = shlex.split(line.split("&&")[0], comments=True) if kind in ("shell", "code") else []
        if words[:3] == ["cmake", "-B", "build"] and any(word.startswith("-DIOCPP_") for word in words):
            yield words[3:]


def errors_of_warnings(compile_commands):
    """Files whose compiler would end the build for a warning."""
    return [command["file"] for command in compile_commands if "-Werror" in command["command"].split()]


def objections(root, page):
    lines = list(install_lines((root / page).read_text(encoding="utf-8")))
    if not lines:
        yield f"{page}: there is no line `cmake -B build -DIOCPP_...`"
    for options in lines:
        with tempfile.TemporaryDirectory(prefix="iocpp-install-") as build:
            done = subprocess.run(["cmake", "-S", root, "-B", build, *options, "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            if done.returncode != 0:
                yield f"{page}: {' '.join(options)} does not configure:\n{done.stdout}"
                continue
            commands = json.loads(pathlib.Path(build, "compile_commands.json").read_text(encoding="utf-8"))
        strict = errors_of_warnings(commands)
        if strict or not commands:
            yield f"{page}: {' '.join(options)}: warnings are errors in {len(strict)} of {len(commands)} files"


def lax_presets(root):
    presets = json.loads((root / "CMakePresets.json").read_text(encoding="utf-8"))["configurePresets"]
    for preset in presets:
        base = "inherits" not in preset
        if preset.get("cacheVariables", {}).get("IOCPP_WERROR") != ("ON" if base else None):
            yield f"CMakePresets.json: {preset['name']} lets a warning pass"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    found = [words for page in PAGES for words in objections(root, page)] + list(lax_presets(root))
    print("\n".join(found) or "each line configures, and no warning is an error")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

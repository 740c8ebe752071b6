"""Each bug of tests/mutants still applies to what ships, by `patch --dry-run` (skipped where that is not installed).

Usage: mutants_apply.py ROOT. scripts/mutants builds them and looks for each.
"""

import pathlib
import shutil
import subprocess
import sys

SKIPPED = 77


def fault_of(patch, root):
    """What patch(1) says of one that does not apply, each line of its context as it stands; nothing of one that does."""
    command = ["patch", "--dry-run", "--silent", "--strip=1", "--fuzz=0", f"--directory={root}", f"--input={patch}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return (result.stdout + result.stderr).strip() if result.returncode else ""


def main(root):
    if shutil.which("patch") is None:
        print("patch is not installed")
        return SKIPPED
    root = pathlib.Path(root).resolve()
    patches = sorted((root / "tests/mutants").glob("*.patch"))
    faults = [f"{patch.name}: {fault}" for patch in patches if (fault := fault_of(patch, root))]
    print("\n".join(faults) or f"{len(patches)} patches apply")
    return 1 if faults or not patches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

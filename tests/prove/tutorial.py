"""Walks through docs/TUTORIAL.md in an empty folder, as somebody new would: its files, its commands, what it says that happens.

Usage: tutorial.py PROJECT
"""

import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(sys.argv[1]).resolve()
sys.path.insert(0, str(ROOT / "docs" / "site"))
import markdown  # noqa: E402

PORT = 50000
FILE = re.compile(r"`(\w+\.(?:[ch]pp|txt))`")
COMMANDS = ("mkdir", "cd", "ln", "cmake", "ctest", "build/shout", "build/shout_test")


def steps(text):
    """What there is to do, in order: a file to write, a piece to append to one, or a command."""
    name, appended, code = None, False, None
    for line, kind in markdown.lines(text):
        if kind == "text" and FILE.search(line):
            name, appended = FILE.findall(line)[-1], line.startswith("Behind")
        if kind == "fence":
            if code is not None:
                yield ("append" if appended else "write"), name, "\n".join(code) + "\n"
            code = [] if code is None else None
        elif kind == "code":
            code.append(line)
        elif kind == "shell" and line.split()[0] in COMMANDS:
            yield "run", line.strip(), ""


class Server:
    """The server of the tutorial, and what its reader tries with it."""

    def __init__(self, folder):
        self.process = subprocess.Popen(["build/shout"], cwd=folder, stdout=subprocess.PIPE, text=True, bufsize=1)

    def connected(self):
        while self.process.poll() is None:
            try:
                return socket.create_connection(("127.0.0.1", PORT), timeout=20)
            except ConnectionRefusedError:
                time.sleep(0.05)
        raise SystemExit("the server has ended")

    def try_it(self, question, answer, goodbye):
        client = self.connected()
        stream = client.makefile("rwb")
        stream.write(question)
        stream.flush()
        expect("the answer", stream.readline(), answer)
        self.process.send_signal(signal.SIGINT)
        expect("the goodbye", stream.read(), goodbye)
        stream.close()
        client.close()
        said, _ = self.process.communicate(timeout=20)
        expect("the exit code", self.process.returncode, 0)
        return said


def expect(what, found, wanted):
    if found != wanted:
        raise SystemExit(f"{what}: {found!r} in place of {wanted!r}")


def run(command, folder, wanted=0):
    print(f"$ {command}", flush=True)
    done = subprocess.run(shlex.split(command), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != wanted:
        raise SystemExit(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def walk(folder):
    tries = iter([(b"hello\n", b"hello\n", b"", None), (b"hello\n", b"HELLO\n", b"BYE\n", "0 idle, 1 finished, 0 cut")])
    page = (ROOT / "docs" / "TUTORIAL.md").read_text(encoding="utf-8")
    for kind, name, text in steps(page):
        if kind == "run" and name.startswith("cd "):
            folder = folder / name.split()[1]
        elif kind == "run" and name == "build/shout":
            print("$ build/shout", flush=True)
            *words, report = next(tries)
            said = Server(folder).try_it(*words)
            print(said.strip())
            expect("the report", [line for line in said.splitlines() if "finished" in line][:1], [report] if report else [])
        elif kind == "run":
            said = run(name.replace("PATH_OF_IOCPP", shlex.quote(str(ROOT))), folder)
            if "shout_test" in name and name.startswith("build"):
                print(said.strip())
                expect("the page has what it says", f"\n    {said.strip()}\n" in page, True)
        else:
            print(f"{kind} {name}", flush=True)
            with (folder / name).open("a" if kind == "append" else "w", encoding="utf-8") as file:
                file.write(text)
    expect("all that there is to try was tried", next(tries, None), None)
    return folder


def break_something(folder):
    header = folder / "shout.hpp"
    header.write_text(header.read_text(encoding="utf-8").replace('    connection.send("BYE\\n");\n', ""), encoding="utf-8")
    run("cmake --build build -j2 --target shout_test", folder)
    said = run("build/shout_test", folder, wanted=1)
    print("\n".join(line for line in said.splitlines() if "FAILED" in line or "again:" in line))
    expect("it was found", 'expects "BYE\\n": the server ended its stream' in said, True)
    replay = re.search(r"IOCPP_SIMULATE='([^']*)'", said).group(1)
    run(f"env IOCPP_SIMULATE='{replay}' build/shout_test", folder, wanted=1)


def main():
    with tempfile.TemporaryDirectory() as folder:
        break_something(walk(pathlib.Path(folder)))
    print("the tutorial does what it says")


if __name__ == "__main__":
    main()

"""An example's server, started, driven by its real client, and always ended; and what its tests have in common.

A test is called with the example's program as its last argument, and exits 77, which CTest shows as skipped, where a
client that it needs is missing."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import unittest

SKIPPED = 77
PATIENCE = 60  # seconds for an event that must come; nothing waits for so long where all is well
CLOCK_TICKS_A_SECOND = 100  # USER_HZ, as /proc counts on every Linux.


class Example:
    """Listens while the `with` block runs. Without `port`: the example has its own, and does not say it."""

    def __init__(self, program, *arguments, port=None):
        # It ends with us even where we are killed.
        command = ["setpriv", "--pdeathsig", "KILL", str(program), *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = port
        self._asked = False
        if port is None:
            line = self.process.stdout.readline()
            listening = re.fullmatch(r"listening on port (\d+)\n", line)
            if listening is None:
                self.process.kill()
                raise SystemExit(f"{program} said {line!r}")
            self.port = int(listening.group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def _proc(self, name):
        return pathlib.Path("/proc", str(self.process.pid), name).read_text(encoding="ascii")

    def resident_bytes(self):
        return int(re.search(r"^Rss:\s+(\d+) kB", self._proc("smaps_rollup"), re.MULTILINE).group(1)) * 1024

    def cpu_seconds(self):
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_A_SECOND

    def ask_to_end(self):
        """Once: a second signal would end it at once."""
        if not self._asked:
            self.process.send_signal(signal.SIGTERM)
        self._asked = True

    def end(self):
        """Asks it to end, if nobody has, and returns its exit code and what it has said meanwhile."""
        self.ask_to_end()
        said, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


def client(*command, given=None):
    """What a client prints: both of its outputs. It fails the test when the client says that it failed."""
    done = subprocess.run([*map(str, command)], input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=PATIENCE, check=False)
    text = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{text}")
    return done.stdout


def receive_all(stream):
    """To the end of the stream."""
    received = bytearray()
    while part := stream.recv(1 << 16):
        received += part
    return bytes(received)


def program():
    return pathlib.Path(sys.argv[-1]).resolve()


def main(*clients):
    """Runs the tests of the calling script, whose programs `clients` are."""
    os.environ.pop("http_proxy", None)
    missing = [name for name in clients if shutil.which(name) is None]
    if missing:
        print(f"missing: {', '.join(missing)} (scripts/setup --examples)")
        return SKIPPED
    return 0 if unittest.main(argv=sys.argv[:1], verbosity=2, exit=False).result.wasSuccessful() else 1

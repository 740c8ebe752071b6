"""An `iocpp serve` process, started, watched from outside, and always ended."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "release" / "iocpp"
WINDOWS_PROGRAM = ROOT / "build" / "windows" / "iocpp.exe"  # runs in Wine

LISTENING = re.compile(r"^listening on ([0-9.]+):(\d+)")
CLOCK_TICKS_A_SECOND = 100  # USER_HZ, as /proc counts on every Linux.


class NotStarted(SystemExit):
    """The server ended before it listened; the message is what it said."""


def handles_of_wine():
    """Open descriptors of the Wine server whose prefix is the build's."""
    prefix = b"WINEPREFIX=" + bytes(ROOT / "build" / "windows" / "wine")
    count = 0
    for process in pathlib.Path("/proc").iterdir():
        try:
            if process.name.isdigit() and os.readlink(process / "exe").endswith("wineserver64"):
                if prefix in (process / "environ").read_bytes().split(b"\0"):
                    count += sum(1 for _ in (process / "fd").iterdir())
        except OSError:
            pass  # it has ended, or is not ours
    return count


class Server:
    """Listens on a free port of 127.0.0.1 while the `with` block runs. `handles` lowers the process's handle limit."""

    def __init__(self, *options, program=PROGRAM, handles=None, listen="127.0.0.1:0", service="echo"):
        # The server ends with us even where we are killed; its session of its own keeps Ctrl+C for us.
        command = ["setpriv", "--pdeathsig", "TERM"]
        if handles is not None:
            command += ["prlimit", f"--nofile={handles}:{handles}"]
        self._in_wine = pathlib.Path(program).suffix == ".exe"
        if self._in_wine:
            command.append(str(ROOT / "scripts" / "wine"))
        command += [str(program), "serve", service, "--listen", listen, "--json", *map(str, options)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.announcement = ""
        self.port = 0
        self.said = []  # on stderr, but for the announcement
        self._announced = threading.Event()
        self._served = None
        self._stderr = threading.Thread(target=self._read_stderr, daemon=True)
        self._stderr.start()

    def __enter__(self):
        try:
            # Wine makes its prefix when it is first used.
            if not self._announced.wait(timeout=120 if self._in_wine else 10) or not self.port:
                raise NotStarted("; ".join(self.said) or "the server did not start")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def _read_stderr(self):
        for line in self.process.stderr:
            listening = LISTENING.match(line)
            if listening:
                self.announcement = line.strip()
                self.port = int(listening.group(2))
                self._announced.set()
            else:
                self.said.append(line.strip())
                print("server:", line.strip(), file=sys.stderr)
        self._announced.set()

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    @property
    def target(self):
        return f"127.0.0.1:{self.port}"

    def _proc(self, name):
        return pathlib.Path("/proc", str(self.process.pid), name)

    def handles(self):
        """Open descriptors; in Wine also those of its server, which holds every handle of a Windows program."""
        return sum(1 for _ in self._proc("fd").iterdir()) + (handles_of_wine() if self._in_wine else 0)

    def resident_bytes(self):
        """Exact, unlike VmRSS, which the kernel keeps by the batch on each core."""
        text = self._proc("smaps_rollup").read_text(encoding="ascii")
        return int(re.search(r"^Rss:\s+(\d+) kB", text, re.MULTILINE).group(1)) * 1024

    def most_resident_bytes(self):
        """Since it was started, to within what the kernel keeps by the batch on each core."""
        text = self._proc("status").read_text(encoding="ascii")
        return int(re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE).group(1)) * 1024

    def cpu_seconds(self):
        fields = self._proc("stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_A_SECOND

    def stop(self):
        """Ends the server in order and returns what it says that it served: its counters; None where it did not say."""
        if self.process.returncode is None:
            # Wine makes a Ctrl+C of SIGINT; SIGTERM ends a program there without a word.
            self.process.send_signal(signal.SIGINT if self._in_wine else signal.SIGTERM)
            try:
                served, _ = self.process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                served, _ = self.process.communicate()
            if self.process.returncode == 0:
                self._served = json.loads(served)["counters"]
        return self._served


def wait_until(holds, seconds):
    """Whether `holds()` came true within so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def settle(value, quiet_seconds=1.0, seconds=15.0):
    """`value()` once it has not changed for a while."""
    end = time.monotonic() + seconds
    last, since = value(), time.monotonic()
    while time.monotonic() - since < quiet_seconds and time.monotonic() < end:
        time.sleep(0.02)
        now = value()
        if now != last:
            last, since = now, time.monotonic()
    return last

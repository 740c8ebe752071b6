"""An `iocpp serve` process, started, watched from outside, and always ended."""

import json
import pathlib
import re
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "release" / "iocpp"

LISTENING = re.compile(r"^listening on ([0-9.]+):(\d+)")
CLOCK_TICKS_A_SECOND = 100  # USER_HZ, as /proc counts on every Linux.


class Server:
    """Listens on a free port of 127.0.0.1 while the `with` block runs. `handles` lowers the process's handle limit."""

    def __init__(self, *options, program=PROGRAM, handles=None):
        # The server ends with us even where we are killed; its session of its own keeps Ctrl+C for us.
        command = ["setpriv", "--pdeathsig", "TERM"]
        if handles is not None:
            command += ["prlimit", f"--nofile={handles}:{handles}"]
        command += [str(program), "serve", "echo", "--listen", "127.0.0.1:0", "--json", *map(str, options)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.announcement = ""
        self.port = 0
        self._announced = threading.Event()
        self._served = None
        self._stderr = threading.Thread(target=self._read_stderr, daemon=True)
        self._stderr.start()

    def __enter__(self):
        try:
            if not self._announced.wait(timeout=10) or not self.port:
                raise SystemExit("the server did not start")
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
        return sum(1 for _ in self._proc("fd").iterdir())

    def resident_bytes(self):
        """Exact, unlike VmRSS, which the kernel keeps by the batch on each core."""
        text = self._proc("smaps_rollup").read_text(encoding="ascii")
        return int(re.search(r"^Rss:\s+(\d+) kB", text, re.MULTILINE).group(1)) * 1024

    def cpu_seconds(self):
        fields = self._proc("stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_A_SECOND

    def stop(self):
        """Ends the server in order and returns what it says that it served: its counters; None where it did not say."""
        if self.process.returncode is None:
            self.process.terminate()
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

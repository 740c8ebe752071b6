"""What a benchmark starts: servers and loads, each on its core, ended with the script."""

import ctypes
import os
import pathlib
import select
import signal
import subprocess
import sys
import time


class Failure(Exception):
    """A server or the load generator did not do what it must."""


class Program:
    """A child process on one core, ended when the block is left."""

    def __init__(self, options, command, core):
        self.command = [str(word) for word in command]
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True,
                                        preexec_fn=lambda: settle(core, options.policy))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def read_line(self, seconds):
        """One line of the output; both programs write whole lines."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            raise Failure(f"{self.command[0]}: silent for {seconds:.0f} s")
        line = self.process.stdout.readline()
        if line == "":
            raise Failure(self.process.stderr.read().strip() or f"{self.command[0]} ended")
        return line.strip()

    def write_line(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()


def turn_taking():
    """The scheduling policy of server and load. On one core they would preempt each other after some messages and not
    after others, more so the less CPU a server takes, which is no property of a server. With SCHED_FIFO each runs until
    it waits; SCHED_BATCH, where that is not permitted, comes near."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        return os.SCHED_FIFO, os.sched_param(1)
    except PermissionError:
        return os.SCHED_BATCH, os.sched_param(0)


def settle(core, policy):
    """In the child: pins it, and makes it end with this script (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    os.sched_setaffinity(0, {core})
    os.sched_setscheduler(0, *policy)


def start_server(options, name, mode):
    return Program(options, [options.build_dir / "bench" / name, "0", mode], options.server_core)


def port_of(server):
    words = server.read_line(20).split()
    if words[:2] != ["listening", "on"]:
        raise Failure(f"{server.command[0]} said {' '.join(words)}")
    return int(words[2])


def cpu_ns(pid):
    """CPU time of all threads that the process has."""
    return sum(int(task.joinpath("schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


class Progress:
    """A live line on a terminal, and a line every few seconds elsewhere, on stderr."""

    def __init__(self, total):
        self.total, self.done, self.begin, self.last = total, 0, time.monotonic(), 0.0

    def step(self, text):
        now, live = time.monotonic(), sys.stderr.isatty()
        if live or now - self.last > 5:
            left = (now - self.begin) / self.done * (self.total - self.done) if self.done else 0
            bar = ("#" * (20 * self.done // self.total)).ljust(20)
            line = f"[{bar}] {self.done}/{self.total}, {left:.0f} s left: {text}"
            print(f"\r{line:<100.100}" if live else line, end="" if live else "\n", file=sys.stderr, flush=True)
            self.last = now
        self.done += 1

    def end(self):
        if sys.stderr.isatty():
            print("\r" + " " * 100 + "\r", end="", file=sys.stderr)


class Attempts:
    """Measurements, one after another: one that fails is noted, and the others go on."""

    def __init__(self, count):
        self.progress, self.failures = Progress(count), []

    def __call__(self, text, action):
        """What `action` returns; None where it fails."""
        self.progress.step(text)
        try:
            return action()
        except (Failure, OSError, ValueError, KeyError, ZeroDivisionError, subprocess.TimeoutExpired) as error:
            self.failures.append(f"{text}: {error}")
            return None

    def end(self):
        self.progress.end()

"""The ancestor's workload: 1,000 connections open, 200 new short ones a second, 100 Mbit/s received without pause."""

import argparse
import collections
import sys
import threading
import time

from server import PROGRAM, Server
from stress import accepts_of, accepts_text, stress
from verdict import Verdict, mib
from visitor import visit

OPEN_CONNECTIONS = 1_000
VISITS_A_SECOND = 200
MESSAGE_BYTES = 1_250
MESSAGES_A_SECOND = 10_000
MEGABITS_A_SECOND = MESSAGE_BYTES * MESSAGES_A_SECOND * 8 / 1e6


class Visitors(threading.Thread):
    """Short visits at a steady rate; one that is late is made up for."""

    def __init__(self, address, seconds):
        super().__init__()
        self.address = address
        self.seconds = seconds
        self.outcomes = collections.Counter()
        self.established = 0
        self.longest = 0.0

    def run(self):
        start = time.monotonic()
        for number in range(round(self.seconds * VISITS_A_SECOND)):
            pause = start + number / VISITS_A_SECOND - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            visited = visit(self.address, timeout=5.0)
            if visited.socket is not None:
                visited.socket.close()
            self.outcomes[visited.outcome] += 1
            self.established += visited.established
            self.longest = max(self.longest, visited.seconds)


class Gauge(threading.Thread):
    """The most memory that the server had."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.resident_bytes = 0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(0.25):
            self.resident_bytes = max(self.resident_bytes, self.server.resident_bytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="(default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="the server's (default: %(default)s)")
    parser.add_argument("--backend", default="auto", help="the server's (default: %(default)s)")
    parser.add_argument("--program", default=PROGRAM)
    arguments = parser.parse_args()
    verdict = Verdict()
    with Server("--backend", arguments.backend, "--threads", arguments.threads, program=arguments.program) as server:
        print(f"{server.announcement}; {arguments.seconds} s: {OPEN_CONNECTIONS:,} connections send {MEGABITS_A_SECOND:.0f} "
              f"Mbit/s in all and check its echo, beside {VISITS_A_SECOND} short visits a second", flush=True)
        visitors = Visitors(server.address, arguments.seconds)
        gauge = Gauge(server)
        started, cpu = time.monotonic(), server.cpu_seconds()
        visitors.start()
        gauge.start()
        code, result = stress("echo", server.target, "--connections", OPEN_CONNECTIONS, "--bytes", MESSAGE_BYTES,
                              "--rate", MESSAGES_A_SECOND, "--duration", f"{arguments.seconds}s", "--verify",
                              program=arguments.program)
        visitors.join()
        cpu_share = (server.cpu_seconds() - cpu) / (time.monotonic() - started)
        gauge.ended.set()
        gauge.join()
        served = server.stop()

    visits = visitors.outcomes.total()
    megabits = result["bytes_per_second"] * 8 / 1e6
    verdict.claim(code == 0 and result["errors_total"] == 0, f"no error on {OPEN_CONNECTIONS:,} open connections",
                  f"{result['errors_total']} errors in {result['messages']:,} messages")
    verdict.claim(megabits >= 0.99 * MEGABITS_A_SECOND, f"{MEGABITS_A_SECOND:.0f} Mbit/s received, within 1 %",
                  f"{megabits:.1f} Mbit/s")
    verdict.claim(visitors.outcomes["served"] == visits == arguments.seconds * VISITS_A_SECOND, "every short visit served",
                  f"{visitors.outcomes['served']:,} of {visits:,}, longest {visitors.longest * 1000:.1f} ms")
    established = result["connections"] + visitors.established
    verdict.claim(served is not None and accepts_of(served) == established, "none lost",
                  f"clients {established:,}; server " + (accepts_text(served) if served else "said nothing"))
    latency = result["latency_us"]
    verdict.note(f"echo latency: p50 {latency['p50']:.0f} us, p99 {latency['p99']:.0f} us, max {latency['max']:.0f} us "
                 f"(the client's own longest stall {result['longest_stall_ms']:.1f} ms)")
    verdict.note(f"the server took {cpu_share:.1%} of a core and {mib(gauge.resident_bytes)} of resident memory at most")
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())

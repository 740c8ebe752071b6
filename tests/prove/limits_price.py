"""What the limits of a public port cost a short connection: the server's CPU with them and without, in turns."""

import argparse
import statistics
import sys

from server import PROGRAM, Server
from stress import stress
from verdict import Verdict

# All rules are asked and none refuses: loopback is not exempt, so that each client's address is looked up.
LIMITS = ("--connections-per-address", 1_000_000, "--accepts-per-second-per-address", 1_000_000,
          "--accepts-per-second", 1_000_000, "--loopback-too")


def microseconds(backend, limits, arguments):
    with Server("--backend", backend, "--threads", 1, *limits, program=arguments.program) as server:
        before = server.cpu_seconds()
        stress("storm", server.target, "--connections", arguments.connections, "--rst-share", 0, "--threads", 1)
        return (server.cpu_seconds() - before) / arguments.connections * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=40_000, help="a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=6, help="with and without each (default: %(default)s)")
    parser.add_argument("--program", default=PROGRAM)
    arguments = parser.parse_args()
    verdict = Verdict()
    for backend in ("io_uring", "epoll"):
        without, within = [], []
        for _ in range(arguments.rounds):
            without.append(microseconds(backend, (), arguments))
            within.append(microseconds(backend, LIMITS, arguments))
        ratio = statistics.median(within) / statistics.median(without)
        verdict.claim(ratio <= 1.1, f"{backend}: at most 10 % more CPU a short connection",
                      f"{ratio:.3f} x: {statistics.median(within):.1f} us and {statistics.median(without):.1f} us "
                      "(medians, server)")
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())

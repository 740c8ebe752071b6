"""A million connections that come and go at once: none lost, nothing kept, and no pause."""

import argparse
import sys

from server import PROGRAM, Server, settle, wait_until
from stress import accepts_of, accepts_text, stress
from verdict import MIB, Verdict, mib

WARM_UP = 10_000


def storm(server, connections, arguments):
    """The client is always Linux's: it is faster than any in Wine."""
    code, result = stress("storm", server.target, "--connections", connections, "--rst-share", arguments.rst_share)
    print(f"storm of {connections:,}: {result['established']:,} established in {result['seconds']:.1f} s "
          f"({result['connections_per_second']:,.0f} a second), {result['reset_at_once']:,} reset, "
          f"{result['echoed']:,} echoed, {result['errors_total']:,} errors; {result['verdict_text']}", flush=True)
    return code, result


def none_lost(served, established):
    """Each client was accepted, or had left by then and was counted (Wine tells of those, Linux accepts them)."""
    return accepts_of(served) <= established <= accepts_of(served) + served["accept_dropped"]


def counts_text(served):
    return accepts_text(served) + f" + {served['accept_dropped']:,} that had left"


def errors_text(results):
    kinds = [f"{count:,} {kind}" for result in results for kind, count in result["errors"].items() if count]
    return ", ".join(kinds) or "none"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=1_000_000, help=f"more than {WARM_UP} (default: %(default)s)")
    parser.add_argument("--rst-share", type=float, default=0.5, help="reset as soon as established (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="the server's (default: %(default)s)")
    parser.add_argument("--backend", default="auto", help="the server's (default: %(default)s)")
    parser.add_argument("--program", default=PROGRAM, help="the server's; one that ends in .exe runs in Wine")
    arguments = parser.parse_args()
    if arguments.connections <= WARM_UP:
        parser.error(f"--connections must be more than {WARM_UP}")
    return arguments


def main():
    arguments = parse_arguments()
    verdict = Verdict()
    with Server("--backend", arguments.backend, "--threads", arguments.threads, program=arguments.program) as server:
        print(server.announcement)
        warm_up_code, warm_up = storm(server, WARM_UP, arguments)
        handles = settle(server.handles)
        resident = server.resident_bytes()
        code, rest = storm(server, arguments.connections - WARM_UP, arguments)
        wait_until(lambda: server.handles() == handles, seconds=15)
        handles_after = settle(server.handles)
        resident_after = server.resident_bytes()
        served = server.stop()

    results = (warm_up, rest)
    established = sum(result["established_with_probe"] for result in results)
    verdict.claim(code == warm_up_code == 0, "the server still accepts", rest["verdict_text"])
    verdict.claim(not any(result["errors_total"] for result in results), "no error at the client", errors_text(results))
    verdict.claim(served is not None and none_lost(served, established), "none lost",
                  f"client established {established:,}; server " + (counts_text(served) if served else "said nothing"))
    verdict.claim(handles_after == handles, f"handles as after {WARM_UP:,}", f"{handles} then, {handles_after} now")
    verdict.claim(abs(resident_after - resident) <= MIB, f"resident memory as after {WARM_UP:,}, within 1 MiB",
                  f"{mib(resident)} then, {mib(resident_after)} now")
    gap = max(result["longest_gap_ms"] for result in results)
    stall = max(result["longest_stall_ms"] for result in results)
    verdict.claim(gap < 1000, "longest gap without an accept under 1 s", f"{gap:.1f} ms (client's own stall {stall:.1f} ms)")
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())

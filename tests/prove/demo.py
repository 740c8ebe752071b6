"""Storms of short connections, half of them reset at once, at an echo server on each backend: does it still accept at the
end?"""

import argparse
import pathlib
import sys

from server import PROGRAM, WINDOWS_PROGRAM, NotStarted, Server
from stress import accepts_of, accepts_text, stress


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=100_000, help="on each Linux backend (default: %(default)s)")
    parser.add_argument("--connections-in-wine", type=int, default=10_000, help="(default: %(default)s)")
    parser.add_argument("--rst-share", type=float, default=0.5, help="reset as soon as established (default: %(default)s)")
    parser.add_argument("--program", type=pathlib.Path, default=PROGRAM)
    parser.add_argument("--windows-program", type=pathlib.Path, default=WINDOWS_PROGRAM)
    return parser.parse_args()


def print_result(result, served):
    print(f"\n  connections                  {result['established']:,} in {result['seconds']:.1f} s, "
          f"{result['connections_per_second']:,.0f} a second")
    print(f"  reset at once                {result['reset_at_once']:,}")
    print(f"  echo verified                {result['echoed']:,}")
    print(f"  errors                       {result['errors_total']:,}")
    for kind, count in result["errors"].items():
        if count:
            print(f"    {kind:<27}{count:,}")
    print(f"  longest gap without accept   {result['longest_gap_ms']:.1f} ms "
          f"(the client's own longest stall: {result['longest_stall_ms']:.1f} ms)")
    probe = result["probe"]
    print(f"  probe after the storm        {probe['served']} of {probe['wanted']} served")
    if served is not None:
        left = f", {served['accept_dropped']:,} left before" if served["accept_dropped"] else ""
        print(f"  the server                   {accepts_text(served)}{left}")


def objections(code, result, served):
    """What is wrong with how it went."""
    if code != 0:
        yield result["verdict_text"]
    if result["errors_total"]:
        yield f"{result['errors_total']:,} connections met an error"
    established = result["established_with_probe"]
    if served is None:
        yield "the server did not end in order"
    elif not accepts_of(served) <= established <= accepts_of(served) + served["accept_dropped"]:
        yield f"the server had {accepts_of(served):,} connections, the client {established:,}"


def storm(backend, program, connections, arguments):
    """None: it went well. Otherwise what did not."""
    with Server("--backend", backend, program=program) as server:
        print(f"\n== An echo server {server.announcement}. A storm of {connections:,} connections:", flush=True)
        code, result = stress("storm", server.target, "--connections", connections, "--rst-share", arguments.rst_share,
                              program=arguments.program)
        served = server.stop()
    print_result(result, served)
    return "; ".join(objections(code, result, served)) or None


def verdict_of(backend, program, connections, arguments):
    try:
        wrong = storm(backend, program, connections, arguments)
    except NotStarted as error:
        return False, f"FAILED: {error}"
    return (False, f"FAILED: {wrong}") if wrong else (True, "still accepting, both sides count the same")


def main():
    arguments = parse_arguments()
    storms = [("io_uring", arguments.program, arguments.connections), ("epoll", arguments.program, arguments.connections),
              ("iocp", arguments.windows_program, arguments.connections_in_wine)]
    verdicts = [(backend, *verdict_of(backend, program, connections, arguments))
                for backend, program, connections in storms]
    print()
    for backend, _, text in verdicts:
        print(f"Verdict: {backend + (' in Wine' if backend == 'iocp' else ''):<13} {text}")
    return 0 if all(well for _, well, _ in verdicts) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped; the server has ended")

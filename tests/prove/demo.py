"""A storm of short connections, half of them reset at once, at an echo server: does it still accept at the end?"""

import argparse
import sys

from server import PROGRAM, Server
from stress import accepts_of, accepts_text, stress


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=100_000, help="(default: %(default)s)")
    parser.add_argument("--rst-share", type=float, default=0.5, help="reset as soon as established (default: %(default)s)")
    parser.add_argument("--program", default=PROGRAM)
    return parser.parse_args()


def print_result(result):
    print(f"\nThe client: {result['established']:,} connections in {result['seconds']:.1f} s, "
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


def objections(code, result, served):
    """What is wrong with how it went."""
    if code != 0:
        yield result["verdict_text"]
    if result["errors_total"]:
        yield f"{result['errors_total']:,} connections met an error"
    established = result["established_with_probe"]
    if served is None:
        yield "the server did not end in order"
    elif accepts_of(served) != established:
        yield f"the server had {accepts_of(served):,} connections, the client {established:,}"


def main():
    arguments = parse_arguments()
    with Server(program=arguments.program) as server:
        print(f"An echo server {server.announcement}. A storm of {arguments.connections:,} connections:", flush=True)
        code, result = stress("storm", server.target, "--connections", arguments.connections,
                              "--rst-share", arguments.rst_share, program=arguments.program)
        served = server.stop()

    print_result(result)
    if served is not None:
        print(f"The server: {accepts_text(served)}")
    wrong = list(objections(code, result, served))
    if wrong:
        print(f"\nVerdict: FAILED: {'; '.join(wrong)} (exit 1)")
        return 1
    print(f"\nVerdict: {result['verdict_text']}; both sides count {result['established_with_probe']:,} connections, "
          "the probe's included (exit 0)")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped; the server has ended")

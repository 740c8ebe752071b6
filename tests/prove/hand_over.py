"""Ten servers, each of which takes over from the one before under a storm of short connections: not one connection is
refused, reset or left unanswered."""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import threading

from server import PROGRAM, Server, wait_until
from verdict import Verdict


class Storm:
    """Storms one after another, until it is told that the one that runs is to be the last."""

    def __init__(self, target, connections):
        self.results = []
        self._command = [str(PROGRAM), "stress", "storm", target, "--connections", str(connections), "--rst-share", "0",
                         "--json"]
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._ending.is_set():
            finished = subprocess.run(self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
            self.results.append(json.loads(finished.stdout))

    def end(self):
        self._ending.set()
        self._thread.join()


def drained(server):
    """What a server says of its end, once it has ended by itself."""
    served, _ = server.process.communicate(timeout=60)
    return json.loads(served)


def works(server):
    """Waits until it has served for a while, in its own time."""
    begin = server.cpu_seconds()
    wait_until(lambda: server.cpu_seconds() >= begin + 0.1, seconds=30)


def hand_over_in_a_row(arguments, start):
    """(reports of those that handed over, counters of the last, results of the storms)"""
    current = start(0, "127.0.0.1:0")
    target = current.target
    storm = Storm(target, arguments.connections)
    ended = []
    try:
        for number in range(1, arguments.times + 1):
            works(current)
            successor = start(number, target)
            ended.append(drained(current))
            current = successor
        works(current)
    finally:
        storm.end()
    return ended, current.stop(), storm.results


def hand_over(arguments, backends, threads):
    verdict = Verdict()
    name = " and ".join(dict.fromkeys(backends)) + f", {' and '.join(map(str, dict.fromkeys(threads)))} threads"
    with tempfile.TemporaryDirectory(prefix="iocpp-") as directory, contextlib.ExitStack() as servers:

        def start(number, listen):
            return servers.enter_context(
                Server("--take-over", f"{directory}/hand-over", "--backend", backends[number % len(backends)],
                       "--threads", threads[number % len(threads)], listen=listen))

        ended, last, results = hand_over_in_a_row(arguments, start)
    established = sum(result["established"] for result in results)
    echoed = sum(result["echoed"] for result in results)
    errors = sum(result["errors_total"] for result in results)
    accepted = [report["counters"]["accepted"] for report in ended] + [last["accepted"]]
    cut = sum(report["drain"]["cut"] + report["drain"]["failed"] for report in ended)
    verdict.claim(all(report["drain"]["handed_over"] for report in ended), f"{name}: each has handed over",
                  f"{len(ended)} hand-overs, {min(accepted):,} to {max(accepted):,} clients a server")
    verdict.claim(errors == 0, f"{name}: no client was refused, reset or left unanswered",
                  f"{established:,} established, {errors:,} errors: "
                  f"{ {kind: count for result in results for kind, count in result['errors'].items() if count} }")
    verdict.claim(echoed >= established > 0, f"{name}: each had its answer", f"{echoed:,} of {established:,}")
    verdict.claim(cut == 0, f"{name}: no server cut one off", f"{cut} cut or failed")
    verdict.claim(min(accepted) > 0, f"{name}: each server had clients amid the storm", f"{min(accepted):,} at least")
    return verdict.failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10, help="hand-overs in a row (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=10_000, help="of a storm; they go on until the last hand-over "
                        "(default: %(default)s)")
    arguments = parser.parse_args()
    failed = 0
    for backends in (["io_uring"], ["epoll"], ["io_uring", "epoll"]):
        for threads in ([1], [2], [2, 1, 3]):
            failed += hand_over(arguments, backends, threads)
    print("\nall claims hold" if not failed else f"\n{failed} claims do not hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

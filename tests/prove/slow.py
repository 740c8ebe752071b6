"""1,000 slow readers and 1,000 slow senders beside an even echo load, on each Linux backend: what the load's clients notice, what
the server's memory comes to, and when the slow ones are gone."""

import argparse
import sys
import threading
import time

from server import PROGRAM, Server, settle, wait_until
from stress import stress
from verdict import Verdict, mib

SLOW = 2_000
ECHO_CONNECTIONS = 50
MESSAGE_BYTES = 256
MESSAGES_A_SECOND = 2_000
GRACE_SECONDS = 12
WRITE_SECONDS = 12
IDLE_SECONDS = 20
SETTLE_SECONDS = 3  # until the slow ones have connected and asked, all at once; that burst is not what is slow about them
REQUEST_BYTES = 128 << 10  # of a slow reader; more than its connection's kernel buffers hold
SOCKET_BUFFER_BYTES = 16 << 10
# A message or a queue has at most two periods of grace: one that it began in, and one that it failed. Then some time to connect.
GONE_SECONDS = max(2 * GRACE_SECONDS, WRITE_SECONDS, IDLE_SECONDS) + 3
SLOW_SECONDS = GONE_SECONDS + 5
TOTAL_BYTES = 64 << 20
RECEIVE_RING_BYTES = 16 << 20  # the default's maximum
QUEUE_BYTES = 512 << 10


class Slow(threading.Thread):
    def __init__(self, arguments, target):
        super().__init__()
        self.arguments = arguments
        self.target = target
        self.result = None

    def run(self):
        _, self.result = stress("slow", self.target, "--connections", self.arguments.slow, "--rate", "1B/s", "--request-bytes", REQUEST_BYTES,
                                "--duration", f"{SLOW_SECONDS}s", program=self.arguments.program)


def echo(server, arguments):
    code, result = stress("echo", server.target, "--connections", ECHO_CONNECTIONS, "--bytes", MESSAGE_BYTES, "--rate",
                          MESSAGES_A_SECOND, "--duration", f"{arguments.seconds}s", "--verify",
                          program=arguments.program)
    return code, result


def latency_text(result):
    latency = result["latency_us"]
    return f"p50 {latency['p50']:,.0f} us, p99 {latency['p99']:,.0f} us, max {latency['max']:,.0f} us"


def prove(backend, arguments, verdict):
    options = ("--backend", backend, "--threads", 1, "--connections-max", arguments.slow + 1_000, "--message-bytes",
               MESSAGE_BYTES, "--idle", f"{IDLE_SECONDS}s", "--write", f"{WRITE_SECONDS}s", "--min-rate-bytes", 500,
               "--min-rate-grace", f"{GRACE_SECONDS}s", "--send-queue-bytes-max", QUEUE_BYTES, "--send-queue-bytes-high",
               QUEUE_BYTES // 2, "--send-queue-bytes-low", QUEUE_BYTES // 4, "--send-queue-bytes-max-total", TOTAL_BYTES, "--socket-send-buffer", SOCKET_BUFFER_BYTES)
    with Server(*options, program=arguments.program) as server:
        print(server.announcement, flush=True)
        alone_code, alone = echo(server, arguments)
        before = settle(server.resident_bytes)
        slow = Slow(arguments, server.target)
        handles = settle(server.handles)  # the accept watch has one more, for a moment of each second
        slow.start()
        wait_until(lambda: server.handles() >= handles + arguments.slow, seconds=30)
        time.sleep(SETTLE_SECONDS)
        still_there = server.handles() - handles
        code, beside = echo(server, arguments)
        slow.join()
        most = server.most_resident_bytes()
        served = server.stop()
    readers, senders = slow.result["readers"], slow.result["senders"]
    ended = served["disconnected"]
    verdict.claim(still_there >= max(0.8 * arguments.slow, arguments.slow - ended["send_overflow"]),
                  f"{backend}: they are there, but for whom the cap for all queues ended, while the load runs", f"{still_there:,}")
    verdict.note(f"alone:  {latency_text(alone)}")
    verdict.note(f"beside: {latency_text(beside)}")
    verdict.claim(alone_code == code == 0 and beside["errors_total"] == 0, f"{backend}: every echo of the load is right",
                  f"{beside['errors_total']} errors in {beside['messages']:,} messages")
    alone_p99, p99 = alone["latency_us"]["p99"], beside["latency_us"]["p99"]
    verdict.claim(p99 <= 2 * alone_p99, f"{backend}: p99 at most doubles", f"{p99 / alone_p99:.2f} times")
    verdict.claim(slow.result["still_connected"] == 0 and slow.result["errors_total"] == 0,
                  f"{backend}: all {arguments.slow:,} slow ones are gone",
                  f"{slow.result['still_connected']:,} still connected")
    last = max(readers["last_end_seconds"], senders["last_end_seconds"])
    verdict.claim(last <= GONE_SECONDS, f"{backend}: ... in their time",
                  f"readers after {readers['first_end_seconds']:.2f} to {readers['last_end_seconds']:.2f} s, "
                  f"senders after {senders['first_end_seconds']:.2f} to {senders['last_end_seconds']:.2f} s")
    grown = most - before
    rings = 2 if backend == "epoll" else 1  # what a send has left of one's bytes is kept for a turn
    verdict.claim(grown <= TOTAL_BYTES + rings * RECEIVE_RING_BYTES + arguments.slow * 1024,
                  f"{backend}: memory grows by the cap for all queues, what it receives into and 1 KiB a connection at most",
                  f"{mib(grown)} (from {mib(before)} to {mib(most)})")
    verdict.note(f"ended by the server: min_rate {ended['min_rate']:,}, idle_timeout {ended['idle_timeout']:,}, "
                 f"send_overflow {ended['send_overflow']:,}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=6, help="of each load (default: %(default)s)")
    parser.add_argument("--slow", type=int, default=SLOW, help="half readers, half senders (default: %(default)s)")
    parser.add_argument("--backends", default="io_uring,epoll", help="(default: %(default)s)")
    parser.add_argument("--program", default=PROGRAM)
    arguments = parser.parse_args()
    verdict = Verdict()
    for backend in arguments.backends.split(","):
        prove(backend, arguments, verdict)
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())

"""A drain of a thousand connections, half of them in the middle of a message: those that send its rest get all of its
answer, no byte of what the server had accepted to send is lost before the deadline, and its report says what the
clients saw."""

import argparse
import json
import resource
import selectors
import signal
import socket
import sys

from server import Server, settle
from verdict import Verdict

PIECE = bytes(range(256)) * 256
MESSAGE_BYTES = 256 << 10  # more than sockets hold


class Client:
    """Idle, or in the middle of a message: in the drain it sends the rest, and reads its answer."""

    def __init__(self, address, reads):
        self.reads = reads
        self.asked = 0
        self.received = 0
        self.ending = None
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self.socket.connect(address)
        self.socket.setblocking(False)

    def ask(self, until):
        """What the server's system takes of the message up to there, at once; the server sends it back."""
        try:
            while self.asked < until:
                self.asked += self.socket.send((PIECE * 2)[self.asked % len(PIECE):][: min(until - self.asked, len(PIECE))])
        except BlockingIOError:
            pass

    def read(self):
        """Until there is nothing more for now; sets `ending` at the end."""
        try:
            while piece := self.socket.recv(65536):
                if piece != (PIECE * 2)[self.received % len(PIECE):][: len(piece)]:
                    self.ending = "wrong bytes"
                    return
                self.received += len(piece)
            self.ending = "in order"
        except BlockingIOError:
            return
        except ConnectionError:
            self.ending = "reset"


def talk_to_the_end(clients):
    with selectors.DefaultSelector() as selector:
        for client in clients:
            writes = client.reads and 0 < client.asked < MESSAGE_BYTES
            selector.register(client.socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if writes else 0), client)
        while selector.get_map():
            events = selector.select(timeout=30)
            if not events:
                return
            for key, ready in events:
                if ready & selectors.EVENT_WRITE:
                    key.data.ask(MESSAGE_BYTES)
                    if key.data.asked == MESSAGE_BYTES:
                        selector.modify(key.fileobj, selectors.EVENT_READ, key.data)
                key.data.read()
                if key.data.ending:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()


def drain(arguments, backend, threads):
    verdict = Verdict()
    name = f"{backend}, {threads} threads"
    half = arguments.connections // 2
    with Server("--backend", backend, "--threads", threads, "--drain-timeout", "3s", "--socket-send-buffer", "8k",
                "--linger-timeout", "30s", "--message-bytes", MESSAGE_BYTES) as server:
        idle = [Client(server.address, True) for _ in range(half)]
        # One in ten of the others never reads: it is cut off at the deadline.
        busy = [Client(server.address, number % 10 != 0) for number in range(arguments.connections - half)]
        for client in busy:
            client.ask(MESSAGE_BYTES // 2)
        settle(server.cpu_seconds)
        server.process.send_signal(signal.SIGTERM)
        talk_to_the_end([client for client in idle + busy if client.reads])
        sleepers = [client for client in busy if not client.reads]
        served, _ = server.process.communicate(timeout=30)
        talk_to_the_end(sleepers)
    served = json.loads(served)
    report, counters = served["drain"], served["counters"]
    readers = [client for client in busy if client.reads]
    seen = {"idle closed": sum(client.ending == "in order" for client in idle),
            "finished": sum(client.ending == "in order" for client in readers),
            "cut": sum(client.ending == "reset" for client in sleepers)}
    told = {"idle closed": report["idle_closed"], "finished": report["finished"], "cut": report["cut"]}
    verdict.claim(seen == told and sum(seen.values()) == arguments.connections and report["failed"] == 0,
                  f"{name}: the report says what the clients saw", f"clients {seen}, report {told}, {report['failed']} failed")
    whole = sum(client.received == client.asked == MESSAGE_BYTES for client in readers)
    received = sum(client.received for client in readers)
    verdict.claim(whole == len(readers), f"{name}: no byte was lost before the deadline",
                  f"{whole} of {len(readers)} have sent the rest of their message and have all of its answer, {received:,} bytes")
    # What the system of the others had taken is gone with their reset; the server had handed it over.
    lost_to_cut = counters["bytes_sent"] - received
    asked = sum(client.asked for client in sleepers)
    verdict.claim(lost_to_cut + report["bytes_lost"] == asked, f"{name}: each byte is sent or lost",
                  f"{lost_to_cut:,} + {report['bytes_lost']:,} of {asked:,} to those who did not read")
    verdict.claim(report["bytes_lost"] == counters["unsent_bytes"] > 0, f"{name}: what was lost is counted",
                  f"{report['bytes_lost']:,} bytes of the {told['cut']} that were cut off")
    return verdict.failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=1_000, help="(default: %(default)s)")
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    failed = sum(drain(arguments, backend, threads) for backend in ("io_uring", "epoll") for threads in (1, 2))
    print("\nall claims hold" if not failed else f"\n{failed} claims do not hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

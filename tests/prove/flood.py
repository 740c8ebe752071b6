"""A flood of connections from 200 addresses that stay, against a limit for each address: others are served as ever."""

import argparse
import collections
import multiprocessing
import selectors
import socket
import sys
import time

from server import PROGRAM, Server, wait_until
from stress import accepts_of
from verdict import Verdict, mib
from visitor import visit

PER_ADDRESS = 16
GOOD_ADDRESSES = 20
ADDRESSES_MAX = 65_536  # the default
BYTES_AN_ADDRESS = 16
IP_BIND_ADDRESS_NO_PORT = 24
AT_ONCE = 128


def connecting(source, target):
    client = socket.socket()
    client.setblocking(False)
    client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    client.bind((source, 0))
    client.connect_ex(target)
    return client


class Flood:
    """So many connections, the addresses taking turns; whoever is answered stays, whoever is not goes."""

    def __init__(self, target, addresses, connections):
        self.target = target
        self.sources = [f"127.1.{number // 250}.{1 + number % 250}" for number in range(addresses)]
        self.left = connections
        self.begun = 0
        self.held = []
        self.ends = collections.Counter()
        self.selector = selectors.DefaultSelector()

    def begin(self):
        client = connecting(self.sources[self.begun % len(self.sources)], self.target)
        self.selector.register(client, selectors.EVENT_WRITE)
        self.begun += 1
        self.left -= 1

    def on_event(self, client, events):
        """True: this one is over, or stays for good."""
        try:
            if events & selectors.EVENT_WRITE:
                client.send(b"!")
                self.selector.modify(client, selectors.EVENT_READ)
                return False
            served = client.recv(1) == b"!"
        except OSError:
            served = False
        self.selector.unregister(client)
        self.ends["served" if served else "refused"] += 1
        if served:
            self.held.append(client)
        else:
            client.close()
        return True

    def run(self):
        busy = 0
        while busy or self.left:
            while self.left and busy < AT_ONCE:
                self.begin()
                busy += 1
            ready = self.selector.select(timeout=20)
            if not ready:
                self.ends["silent"] += busy
                return
            for key, events in ready:
                busy -= self.on_event(key.fileobj, events)


def attack(target, addresses, connections, results, stay):
    flood = Flood(target, addresses, connections)
    flood.run()
    results.put(dict(flood.ends))
    stay.wait()


def good_clients(target, enough):
    """Visits from other addresses until `enough()`: (each visit, ...)"""
    visits = []
    while not enough():
        source = f"127.2.0.{1 + len(visits) % GOOD_ADDRESSES}"
        visited = visit(target, timeout=10.0, source=source)
        visits.append(visited)
        if visited.socket is not None:
            visited.socket.close()
        time.sleep(0.002)
    return visits


def prove(backend, arguments, verdict):
    options = ("--backend", backend, "--threads", arguments.threads, "--connections-per-address", PER_ADDRESS,
               "--loopback-too", "--connections-max", 15_000)
    most = arguments.addresses * PER_ADDRESS
    with Server(*options, program=arguments.program) as server:
        print(f"\n{server.announcement}")
        quiet = good_clients(server.address, lambda count=iter(range(201)): next(count) == 200)
        resident = server.resident_bytes()
        results, stay = multiprocessing.Queue(), multiprocessing.Event()
        flood = multiprocessing.Process(target=attack, daemon=True,
                                        args=(server.address, arguments.addresses, arguments.connections, results, stay))
        start = time.monotonic()
        flood.start()
        visits = good_clients(server.address, lambda: not results.empty())
        ends = results.get()
        seconds = time.monotonic() - start
        grown = server.resident_bytes() - resident
        stay.set()
        flood.join(timeout=30)
        wait_until(lambda: server.handles() < 64, seconds=15)
        again = [visit(server.address, source=f"127.1.0.{1 + number % 200}") for number in range(20)]
        for visited in again:
            if visited.socket is not None:
                visited.socket.close()
        served = server.stop()

    served_now = [each for each in visits if each.outcome == "served"]
    slowest = max((each.seconds for each in visits), default=0)
    verdict.claim(len(served_now) == len(visits) > 0, "good clients are all served",
                  f"{len(served_now):,} of {len(visits):,} during the flood, the slowest in {slowest * 1000:.1f} ms")
    verdict.claim(ends == {"served": most, "refused": arguments.connections - most},
                  "each of the flood's addresses has its limit, and no more",
                  f"{arguments.connections:,} connections from {arguments.addresses} addresses in {seconds:.1f} s: "
                  + ", ".join(f"{count:,} {end}" for end, count in sorted(ends.items())))
    verdict.claim(all(each.outcome == "served" for each in again), "they are served again when they have left",
                  f"{sum(each.outcome == 'served' for each in again)} of {len(again)}")
    if served is None:
        return verdict.claim(False, "the server ends in order", "it said nothing")
    refused = served["refused_for"]["connections_per_address"]
    verdict.claim(refused == ends.get("refused"), "each refusal is counted, with its reason", f"{refused:,}")
    in_all = len(quiet) + len(visits) + len(again) + arguments.connections
    verdict.claim(accepts_of(served) == in_all, "nobody is lost", f"{accepts_of(served):,} accepted of {in_all:,}")
    # A slot is 128 bytes, in chunks; the pages of the table are touched as addresses come.
    bound = ADDRESSES_MAX * BYTES_AN_ADDRESS + most * 1024
    return verdict.claim(grown <= bound, "memory is bounded",
                         f"{mib(grown)} more with {most:,} connections held; the table of addresses is "
                         f"{mib(ADDRESSES_MAX * BYTES_AN_ADDRESS)} at most, from the start")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=50_000, help="of the flood (default: %(default)s)")
    parser.add_argument("--addresses", type=int, default=200, help="it comes from (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="the server's (default: %(default)s)")
    parser.add_argument("--backend", action="append", help="the server's (default: io_uring, epoll)")
    parser.add_argument("--program", default=PROGRAM)
    arguments = parser.parse_args()
    verdict = Verdict()
    for backend in arguments.backend or ("io_uring", "epoll"):
        prove(backend, arguments, verdict)
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())

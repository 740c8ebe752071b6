"""What an idle connection costs the server in user memory: resident memory with 10,000 less that with 1,000."""

import argparse
import resource
import socket
import sys

from server import PROGRAM, Server, settle, wait_until
from verdict import Verdict, mib

FEW = 1_000
MANY = 10_000
BYTES_MAX = 160
SKIPPED = 77


def connect(server, clients, count, handles_before):
    """Opens connections up to `count`; the server has a handle for each before this returns."""
    while len(clients) < count:
        clients.append(socket.create_connection(server.address, timeout=10))
    if not wait_until(lambda: server.handles() >= handles_before + count, seconds=30):
        raise SystemExit(f"the server has {server.handles() - handles_before:,} of {count:,} connections")
    return settle(server.resident_bytes)


def echo_once(clients):
    for client in clients:
        client.sendall(b"x" * 64)
    for client in clients:
        if client.recv(64, socket.MSG_WAITALL) != b"x" * 64:
            raise SystemExit("the echo is wrong")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="auto", help="the server's (default: %(default)s)")
    parser.add_argument("--program", default=PROGRAM)
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < MANY + FEW:
        print(f"[  SKIPPED ] it needs {MANY + FEW:,} handles, and has {hard:,} (RLIMIT_NOFILE)")
        return SKIPPED
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    verdict = Verdict()
    clients = []
    with Server("--backend", arguments.backend, "--threads", 1, "--connections-max", MANY + FEW,
                program=arguments.program) as server:
        print(server.announcement)
        handles = settle(server.handles)  # the accept watch has one more, for a moment of each second
        few = connect(server, clients, FEW, handles)
        many = connect(server, clients, MANY, handles)
        each = (many - few) / (MANY - FEW)
        verdict.claim(each <= BYTES_MAX, f"an idle connection takes at most {BYTES_MAX} bytes",
                      f"{each:.0f} bytes ({mib(few)} with {FEW:,}, {mib(many)} with {MANY:,})")
        echo_once(clients)
        after = settle(server.resident_bytes)
        verdict.note(f"after a 64-byte echo on each: {mib(after)}, {(after - few) / (MANY - FEW):.0f} bytes each")
        for client in clients:
            client.close()
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())

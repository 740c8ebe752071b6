"""What an idle connection costs a server, in its own memory and in the kernel's: with 10,000 of them less with 1,000."""

import os
import pathlib
import resource
import socket
import statistics
import time

from programs import Attempts, Failure, port_of, start_server

FEW, MANY = 1_000, 10_000
# Caches of the kernel in which a connection has something (slabinfo(5)); both of its ends are here.
CACHES = ("TCP", "sock_inode_cache", "filp", "dentry", "eventpoll_epi", "eventpoll_pwq", "io_kiocb",
          "request_sock_TCP", "tw_sock_TCP", "skbuff_head_cache")


def resident_bytes(pid):
    """Exact, unlike statm, which the kernel keeps by the batch on each core."""
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Rss:"))


def settled(value):
    """`value()` once it has not changed for a second."""
    last, since = value(), time.monotonic()
    end = since + 15
    while time.monotonic() - since < 1 and time.monotonic() < end:
        time.sleep(0.02)
        now = value()
        if now != last:
            last, since = now, time.monotonic()
    return last


def kernel_bytes():
    """Of all processes. None: not for us to know."""
    try:
        lines = pathlib.Path("/proc/slabinfo").read_text().splitlines()[2:]
    except OSError:
        return None
    fields = (line.split() for line in lines)
    return sum(int(field[1]) * int(field[3]) for field in fields if field[0] in CACHES)


def handles(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def connect(port, clients, count, pid, handles_before):
    while len(clients) < count:
        clients.append(socket.create_connection(("127.0.0.1", port), timeout=10))
    deadline = time.monotonic() + 30
    while handles(pid) < handles_before + count:
        if time.monotonic() > deadline:
            raise Failure(f"the server has {handles(pid) - handles_before:,} of {count:,} connections")
        time.sleep(0.05)
    return settled(lambda: resident_bytes(pid)), kernel_bytes()


def measure(options, name):
    clients = []
    try:
        with start_server(options, name, "echo") as server:
            port, pid = port_of(server), server.process.pid
            before = handles(pid)
            few = connect(port, clients, FEW, pid, before)
            many = connect(port, clients, MANY, pid, before)
    finally:
        for client in clients:
            client.close()
    user = (many[0] - few[0]) / (MANY - FEW)
    kernel = None if None in (few[1], many[1]) else (many[1] - few[1]) / (MANY - FEW)
    return {"server": name, "user_bytes": user, "kernel_bytes_both_ends": kernel}


def measure_all(options):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    cells = []
    attempt = Attempts(len(options.servers) * options.rounds)
    for number in range(options.rounds):
        for name in options.servers:
            cell = attempt(f"idle connections: {name}, round {number + 1}", lambda: measure(options, name))
            if cell is not None:
                cells.append({"round": number, **cell})
    attempt.end()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    print(f"\nidle connections, from {FEW:,} to {MANY:,}: bytes each, medians\n"
          f"  {'server':<18}{'its own':>10}{'kernel, both ends':>20}")
    for name in options.servers:
        mine = [cell for cell in cells if cell["server"] == name]
        kernel = [cell["kernel_bytes_both_ends"] for cell in mine if cell["kernel_bytes_both_ends"] is not None]
        if mine:
            print(f"  {name:<18}{statistics.median(cell['user_bytes'] for cell in mine):>10.0f}"
                  f"{statistics.median(kernel) if kernel else float('nan'):>20.0f}")
    return {"idle": cells, "failures": attempt.failures}

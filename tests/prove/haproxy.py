"""A real HAProxy in front, versions 1 and 2 of the PROXY protocol: the handler sees the client's address."""

import argparse
import contextlib
import pathlib
import socket
import subprocess
import sys
import tempfile

from server import PROGRAM, Server, wait_until
from verdict import Verdict

CLIENTS = 200
WAYS = {
    "send-proxy": "send-proxy",
    "send-proxy-v2": "send-proxy-v2",
    "send-proxy-v2 with a checksum and a unique id": "send-proxy-v2 proxy-v2-options crc32c,unique-id",
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_open(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def haproxy(server_port, how, check=""):
    """Its port, while the block runs."""
    port = free_port()
    text = f"""
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen front
  bind 127.0.0.1:{port}
  unique-id-format %[uuid]
  server one 127.0.0.1:{server_port} {how} {check}
"""
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "haproxy.cfg")
        config.write_text(text, encoding="ascii")
        process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "haproxy", "-db", "-f", str(config)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if not wait_until(lambda: is_open(port), 10):
                raise SystemExit("haproxy does not listen")
            yield port
        finally:
            process.terminate()
            process.wait()


def who_am_i(port, source):
    """What the server said, and what it had to say."""
    with socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0)) as client:
        own = "%s:%d" % client.getsockname()
        return client.makefile("r", encoding="ascii").readline().split(" by ")[0], own


def prove(backend, program, verdict):
    for name, how in WAYS.items():
        options = ("--backend", backend, "--proxy-protocol", "127.0.0.1", "--threads", "2")
        with Server(*options, program=program, service="whoami") as server, haproxy(server.port, how) as port:
            right = 0
            for number in range(CLIENTS):
                said, own = who_am_i(port, f"127.0.{number // 100}.{number % 100 + 1}")
                right += said == own
            verdict.claim(right == CLIENTS, f"{backend}, {name}: each client's address", f"{right} of {CLIENTS}")
    options = ("--backend", backend, "--proxy-protocol", "127.0.0.1")
    with Server(*options, program=program, service="whoami") as server:
        with haproxy(server.port, "send-proxy-v2", "check inter 50ms") as port:
            said, own = who_am_i(port, "127.0.0.9")
            wait_until(lambda: False, 0.5)
        counters = server.stop()
    # A check connects, says LOCAL or what its own ends are, and leaves.
    wrong = {why: count for why, count in counters["proxy_failed"].items() if count and why != "peer_left"}
    verdict.claim(said == own and not wrong, f"{backend}: health checks are no failures", f"failures {wrong}")
    with Server(*options, program=program, service="whoami") as server, haproxy(server.port, "") as port:
        silent, _ = who_am_i(port, "127.0.0.9")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            client.settimeout(10)
            silent += str(client.recv(100))
        failed = server.stop()["stage_failed"]
    verdict.claim("127." not in silent and failed >= 1, f"{backend}: without a header nobody is told", silent or "nothing")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=("io_uring", "epoll"), help="default: both")
    parser.add_argument("--program", default=PROGRAM)
    arguments = parser.parse_args()
    verdict = Verdict()
    for backend in (arguments.backend,) if arguments.backend else ("io_uring", "epoll"):
        prove(backend, arguments.program, verdict)
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())

"""Runs the consumer's echo server, is its one client, and says what the server said."""

import os
import re
import socket
import subprocess

TIMEOUT = 120  # Seconds: for a machine that is busy, and Wine's start.


class Failed(Exception):
    """A way in that does not lead in; the text says why."""


def run(*command, **options):
    """A command's output; a failure has all of what it said."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=600, check=False, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(str(word) for word in command)}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def visit(port):
    """One client, who must get back what it says."""
    said = os.urandom(100_000)
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as client:
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)
        heard = b""
        while part := client.recv(65536):
            heard += part
    if heard != said:
        raise Failed(f"{len(said)} bytes were sent, and {len(heard)} bytes that came back are not the same")


def serve_one(*command, version, **options):
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", **options) as server:
        try:
            first = server.stdout.readline()
            port = re.match(r"port (\d+)", first)
            if not port:
                raise Failed(f"{command[-1]} did not start: {first}{server.stdout.read()}")
            visit(int(port.group(1)))
            rest, _ = server.communicate(timeout=TIMEOUT)
        except BaseException:
            server.kill()
            raise
    if server.returncode != 0 or f"iocpp {version} served 1" not in rest:
        raise Failed(f"{command[-1]} ended with {server.returncode}: {rest}")
    return first + rest

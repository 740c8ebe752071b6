"""The echo of README, with netcat."""

import socket
import sys
import time
import unittest

import example

PORT = 50000  # its own


def is_taken():
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def may_be_bound():
    """It is between 32768 and 60999, so it may be the own port of a client of another test, for a minute after its end."""
    with socket.socket(socket.AF_INET6) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("::", PORT))
        except OSError:
            return False
    return True


def wait_for_port():
    end = time.monotonic() + 90
    while not may_be_bound() and time.monotonic() < end:
        time.sleep(0.1)


def wait_for_listener(server):
    end = time.monotonic() + example.PATIENCE
    while not is_taken():
        if server.process.poll() is not None or time.monotonic() > end:
            raise AssertionError("it does not listen")
        time.sleep(0.01)


class EchoTest(unittest.TestCase):
    def test_netcat_gets_back_what_it_sends(self):
        with example.Example(example.program(), port=PORT) as server:
            wait_for_listener(server)
            text = b"".join(b"line %d\n" % number for number in range(20_000))
            self.assertEqual(example.client("nc", "-N", *server.address, given=text), text)
            self.assertEqual(server.end(), (0, ""))


if __name__ == "__main__":
    wait_for_port()
    if is_taken():
        print(f"port {PORT} is taken")
        sys.exit(example.SKIPPED)
    sys.exit(example.main("nc"))

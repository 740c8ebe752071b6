"""A client's short visit: connect, say a byte, hear it again."""

import collections
import socket
import time

Visit = collections.namedtuple("Visit", "outcome established seconds socket")


def visit(address, timeout=1.0, source=None):
    """Outcome `served` (its socket stays open), `refused` (the server ended the connection) or `silent`."""
    start = time.monotonic()
    client = None
    try:
        client = socket.create_connection(address, timeout=timeout,
                                          source_address=(source, 0) if source else None)
        client.sendall(b"?")
        answer = client.recv(1)
    except TimeoutError:
        outcome = "silent"
    except OSError:
        outcome = "refused"
    else:
        outcome = "served" if answer == b"?" else "refused"
    seconds = time.monotonic() - start
    if outcome != "served" and client is not None:
        client.close()
    return Visit(outcome, client is not None, seconds, client if outcome == "served" else None)

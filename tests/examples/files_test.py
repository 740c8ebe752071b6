"""The file server, with curl and wrk; and with clients that pipeline, do not read, or want what is not theirs."""

import hashlib
import pathlib
import random
import re
import socket
import sys
import tempfile
import unittest

import example

MIB = 1 << 20


class FilesTest(unittest.TestCase):
    def setUp(self):
        parent = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.folder = parent / "served"
        (self.folder / "below").mkdir(parents=True)
        (self.folder / "index.html").write_text("<p>welcome</p>\n")
        (self.folder / "below" / "a name.css").write_text("p {}\n")
        self.large = random.Random(1).randbytes(8 * MIB)
        (self.folder / "large").write_bytes(self.large)
        (self.folder / "empty.txt").touch()
        (parent / "secret").write_text("secret\n")
        (self.folder / "link").symlink_to(parent / "secret")
        (self.folder / "inner").symlink_to("index.html")
        self.server = self.enterContext(example.Example(example.program(), self.folder, 0))

    def url(self, path=""):
        return f"http://127.0.0.1:{self.server.port}/{path}"

    def curl(self, *options):
        return example.client("curl", "--silent", "--show-error", "--path-as-is", *options)

    def status(self, *options):
        return int(self.curl("--output", "/dev/null", "--write-out", "%{http_code}", *options))

    def connect(self, receive_buffer=None):
        connection = self.enterContext(socket.socket())
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(example.PATIENCE)
        connection.connect(self.server.address)
        return connection

    def refuses(self):
        """Nobody listens any more: its drain has begun."""
        with socket.socket() as probe:
            return probe.connect_ex(self.server.address) != 0

    def test_files_come_as_they_are(self):
        self.assertEqual(self.curl(self.url()), b"<p>welcome</p>\n")
        self.assertEqual(self.curl(self.url("inner?question")), b"<p>welcome</p>\n")
        self.assertEqual(self.curl(self.url("below/a%20name.css")), b"p {}\n")
        self.assertEqual(self.curl(self.url("empty.txt")), b"")
        self.assertEqual(hashlib.sha256(self.curl(self.url("large"))).digest(), hashlib.sha256(self.large).digest())
        types = [self.curl("--head", "--output", "/dev/null", "--write-out", "%{content_type}", self.url(path)).decode()
                 for path in ("", "below/a%20name.css", "large")]
        self.assertEqual(types, ["text/html; charset=utf-8", "text/css", "application/octet-stream"])
        self.assertIn(b"Content-Length: 8388608\r\n", self.curl("--head", self.url("large")))

    def test_an_entity_that_is_known_is_not_sent_again(self):
        head = self.curl("--head", self.url())
        etag = re.search(rb'^ETag: (".+")\r$', head, re.MULTILINE).group(1).decode()
        self.assertEqual(self.status("--header", f"If-None-Match: {etag}", self.url()), 304)
        self.assertEqual(self.status("--header", f'If-None-Match: "another", W/{etag}', self.url()), 304)
        self.assertEqual(self.status("--header", 'If-None-Match: "another"', self.url()), 200)

    def test_what_is_not_there_or_not_to_be_had_is_refused(self):
        for path in ("nothing", "below", "../secret", "below/../../secret", "%2e%2e/secret", "..%2fsecret", "link",
                     "large%00.txt", "%zz", "/../secret", "index.html/"):
            with self.subTest(path):
                self.assertEqual(self.status(self.url(path)), 404)
        self.assertEqual(self.status("--data", "x=1", self.url()), 405)
        self.assertEqual(self.status(self.url("x" * 3_000)), 400)
        with self.connect() as connection:
            connection.sendall(b"NONSENSE\r\n\r\n")
            self.assertTrue(example.receive_all(connection).startswith(b"HTTP/1.1 400 "))

    def test_a_connection_is_kept_and_ends_when_asked(self):
        said = self.curl("--output", "/dev/null", "--output", "/dev/null", "--write-out", "%{num_connects} ", self.url(),
                         self.url("large"))
        self.assertEqual(said, b"1 0 ")
        self.assertIn(b"Connection: close\r\n", self.curl("--head", "--header", "Connection: close", self.url()))
        self.assertIn(b"Connection: keep-alive\r\n",
                      self.curl("--http1.0", "--head", "--header", "Connection: keep-alive", self.url()))

    def test_requests_that_come_at_once_are_answered_in_order(self):
        paths = ["large", "", "nothing", "empty.txt", "large", "below/a%20name.css"] * 5
        with self.connect() as connection:
            requests = "".join(f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths)
            requests += "".join(f"HEAD /{path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in ("large", "nothing"))
            connection.sendall(requests.encode() + b"GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n")
            received = example.receive_all(connection)
        lengths = [int(length) for length in re.findall(rb"\r\nContent-Length: (\d+)\r\n", received)]
        self.assertEqual(lengths, [8 * MIB, 15, 10, 0, 8 * MIB, 5] * 5 + [8 * MIB, 10, 10])
        self.assertEqual(received.count(self.large), 10)

    def test_who_does_not_read_holds_a_few_pieces_and_no_file(self):
        with open(self.folder / "huge", "wb") as huge:
            huge.truncate(512 * MIB)
        before = self.server.resident_bytes()
        readers = [self.connect(receive_buffer=4096) for _ in range(20)]
        for reader in readers:
            reader.sendall(b"GET /huge HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        for reader in readers:
            self.assertEqual(reader.recv(8), b"HTTP/1.1")
        self.assertLess(self.server.resident_bytes() - before, 64 * MIB)
        for reader in readers:
            reader.close()

    def test_a_file_that_is_being_sent_is_finished_when_the_server_ends(self):
        with open(self.folder / "long", "wb") as long_one:
            long_one.truncate(32 * MIB)
        with self.connect() as connection:
            connection.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
            head = connection.recv(1)
            self.server.ask_to_end()
            received = head + example.receive_all(connection)
        self.assertEqual(len(received.partition(b"\r\n\r\n")[2]), 32 * MIB)
        self.assertEqual(self.server.end(), (0, ""))

    def test_a_request_that_has_begun_is_answered_when_the_server_ends(self):
        with self.connect() as connection:
            request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
            connection.sendall(request + request[:9])  # one segment
            while not (received := connection.recv(1 << 16)).endswith(b"<p>welcome</p>\n"):
                pass
            self.server.ask_to_end()
            while not self.refuses():
                pass
            connection.sendall(request[9:])
            received = example.receive_all(connection)
        self.assertTrue(received.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertEqual(self.server.end(), (0, ""))

    def test_wrk(self):
        said = example.client("wrk", "--threads", 1, "--connections", 50, "--duration", "1s", self.url()).decode()
        print(said)
        self.assertRegex(said, r"[1-9]\d* requests in ")
        self.assertNotIn("Non-2xx", said)
        self.assertNotIn("Socket errors", said)
        self.assertEqual(self.server.end(), (0, ""))


if __name__ == "__main__":
    sys.exit(example.main("curl", "wrk"))

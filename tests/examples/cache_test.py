"""The cache, with redis-cli and redis-benchmark; and with a client that keeps no rule."""

import socket
import sys
import threading
import unittest

import example

MIB = 1 << 20


def command(*words):
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class CacheTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(example.Example(example.program(), 0))

    def cli(self, *words):
        return example.client("redis-cli", "-p", self.server.port, *words).decode().strip()

    def exchange(self, stream):
        """All of it is sent, whatever is answered, and then everything is read."""
        with socket.create_connection(self.server.address, timeout=example.PATIENCE) as connection:
            connection.sendall(stream)
            connection.shutdown(socket.SHUT_WR)
            return example.receive_all(connection)

    def test_redis_cli(self):
        self.assertEqual(self.cli("PING"), "PONG")
        self.assertEqual(self.cli("SET", "name", "a value of words"), "OK")
        self.assertEqual(self.cli("GET", "name"), "a value of words")
        self.assertEqual(self.cli("get", "another"), "")
        self.assertEqual(self.cli("EXISTS", "name", "another", "name"), "2")
        self.assertEqual([self.cli("INCR", "count") for _ in range(3)], ["1", "2", "3"])
        self.assertIn("not an integer", self.cli("INCR", "name"))
        self.assertEqual(self.cli("DEL", "name", "another"), "1")
        self.assertEqual(self.cli("DBSIZE"), "1")
        self.assertIn("unknown command", self.cli("FLUSHALL"))
        self.assertEqual(self.server.end(), (0, ""))

    def test_redis_benchmark(self):
        for depth in (1, 16):
            said = example.client("redis-benchmark", "-p", self.server.port, "-t", "ping,set,get", "-n", 20_000, "-c", 50,
                                  "-P", depth, "--csv").decode()
            print(said)
            lines = [line.split(",")[0].strip('"') for line in said.splitlines()]
            self.assertEqual(lines, ["test", "PING_INLINE", "PING_MBULK", "SET", "GET"])
        self.assertEqual(self.server.end(), (0, ""))

    def test_values_are_any_bytes_in_any_pieces(self):
        value = bytes(range(256)) * 2_000
        stream = command("SET", "bytes", value) + command("GET", "bytes")
        with socket.create_connection(self.server.address, timeout=example.PATIENCE) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(stream), 9_973):
                connection.sendall(stream[at:at + 9_973])
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(example.receive_all(connection), b"+OK\r\n$%d\r\n%s\r\n" % (len(value), value))

    def test_memory_is_bounded_and_the_oldest_goes_first(self):
        value = b"x" * 100_000
        for key in ("first", "used"):
            self.assertEqual(self.cli("SET", key, "1"), "OK")
        stream = b"".join(command("SET", f"key{number}", value) + command("GET", "used") for number in range(1_000))
        self.assertEqual(self.exchange(stream), b"+OK\r\n$1\r\n1\r\n" * 1_000)
        self.assertEqual([self.cli("EXISTS", key) for key in ("first", "key0", "used", "key999")], ["0", "0", "1", "1"])
        self.assertLess(int(self.cli("DBSIZE")), 64 * MIB // len(value) + 1)

    def test_who_asks_for_much_and_reads_nothing_holds_little(self):
        value = b"x" * 500_000
        self.assertEqual(self.exchange(command("SET", "key", value)), b"+OK\r\n")
        before = self.server.resident_bytes()
        with socket.create_connection(self.server.address, timeout=example.PATIENCE) as connection:
            asked = 500
            asking = threading.Thread(target=connection.sendall, args=(command("GET", "key") * asked,))
            asking.start()
            answer = b"$%d\r\n%s\r\n" % (len(value), value)
            received = bytearray()
            while len(received) < len(answer):
                received += connection.recv(len(answer))
            self.assertLess(self.server.resident_bytes() - before, 32 * MIB)  # of 250 MB
            asking.join()
            connection.shutdown(socket.SHUT_WR)
            received += example.receive_all(connection)
        self.assertTrue(received == answer * asked)

    def test_who_asks_for_much_in_plain_lines_and_reads_nothing_is_closed(self):
        value = b"x" * 500_000
        self.assertEqual(self.exchange(command("SET", "key", value)), b"+OK\r\n")
        before = self.server.resident_bytes()
        answer = b"$%d\r\n%s\r\n" % (len(value), value)
        with socket.create_connection(self.server.address, timeout=example.PATIENCE) as connection:
            connection.sendall(b"GET key\n" * 300)
            received = example.receive_all(connection)
        self.assertLess(self.server.resident_bytes() - before, 32 * MIB)  # of 150 MB
        self.assertGreaterEqual(len(received), len(answer))
        self.assertTrue(received == answer * (len(received) // len(answer)))

    def test_what_is_no_command_ends_its_connection(self):
        for stream in (b"*1\r\n:1\r\n", b"*100000\r\n$1\r\nx\r\n", b"*1\r\n*1\r\n$1\r\nx\r\n", b"*1\r\n$-1\r\n", b"*x\r\n"):
            with self.subTest(stream):
                answer = self.exchange(command("PING") + stream)
                self.assertEqual(answer, b"+PONG\r\n-ERR Protocol error\r\n")
        # What comes behind the error is less than Options::linger_bytes_max, so the connection is not reset.
        endless = command("PING") + b"*1\r\n$5000000\r\n" + b"x" * 1_500_000
        self.assertEqual(self.exchange(endless), b"+PONG\r\n-ERR Protocol error\r\n")


if __name__ == "__main__":
    sys.exit(example.main("redis-cli", "redis-benchmark"))

"""Guests of the chat: netcat, and one who does not read."""

import socket
import subprocess
import sys
import unittest

import example


class Guest:
    """One at a netcat."""

    def __init__(self, server, name):
        self.name = name
        self.process = subprocess.Popen(["nc", *map(str, server.address)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        assert self.hears() == "your name?"
        self.says(name)
        assert self.hears() == f"{name} is here"

    def says(self, *lines):
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def hears(self):
        """The next line; it waits for it."""
        return self.process.stdout.readline().removesuffix("\n")

    def leaves(self):
        """Its netcat ends when both streams have; what it still hears."""
        said, _ = self.process.communicate(timeout=example.PATIENCE)
        return said.splitlines()

    def end(self):
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()


class ChatTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(example.Example(example.program(), 0))

    def guest(self, name):
        guest = Guest(self.server, name)
        self.addCleanup(guest.end)
        return guest

    def test_everybody_hears_everybody(self):
        anna = self.guest("anna")
        bert = self.guest("bert")
        self.assertEqual(anna.hears(), "bert is here")
        anna.says("hello", "who is there?\r")
        bert.says("me")
        for guest in (anna, bert):
            lines = [guest.hears() for _ in range(3)]
            self.assertLess(lines.index("anna: hello"), lines.index("anna: who is there?"))
            self.assertIn("bert: me", lines)
        bert.says("x" * 1_001)
        self.assertEqual(bert.leaves(), ["a line has 1,000 characters at most"])
        self.assertEqual(anna.hears(), "bert has left")

    def test_who_does_not_read_is_dropped_and_the_others_lose_nothing(self):
        anna = self.guest("anna")
        bert = self.guest("bert")
        self.assertEqual(anna.hears(), "bert is here")
        slow = self.enterContext(socket.socket())
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(self.server.address)
        slow.sendall(b"slow\n")
        self.assertEqual([anna.hears(), bert.hears()], ["slow is here"] * 2)
        dropped = 0
        for turn in range(200):
            # Less than may wait for a guest, and the next lines come when these were read: those who read are never slow.
            lines = [f"{turn} {number} {'x' * 900}" for number in range(40)]
            anna.says(*lines)
            for guest in (anna, bert):
                for line in lines:
                    heard = guest.hears()
                    if heard == "slow was dropped: too slow":
                        dropped += 1
                        heard = guest.hears()
                    self.assertEqual(heard, f"anna: {line}")
            if dropped == 2:
                break
        self.assertEqual(dropped, 2)
        slow.settimeout(example.PATIENCE)
        with self.assertRaises(ConnectionResetError):
            example.receive_all(slow)

    def test_who_is_there_is_told_that_the_server_ends(self):
        anna = self.guest("anna")
        self.server.ask_to_end()
        self.assertEqual(anna.hears(), "the server ends")
        self.assertEqual(anna.leaves(), [])
        self.assertEqual(self.server.end()[0], 0)


if __name__ == "__main__":
    sys.exit(example.main("nc"))

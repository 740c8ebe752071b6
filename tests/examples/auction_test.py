"""Bidders of the auction, on as many shards as the machine has cores."""

import socket
import sys
import unittest

import example


class Bidder:
    def __init__(self, server):
        self.socket = socket.create_connection(server.address, timeout=example.PATIENCE)
        self.lines = self.socket.makefile("rb")

    def says(self, text):
        self.socket.sendall(text)

    def hears(self):
        return self.lines.readline()

    def close(self):
        self.lines.close()
        self.socket.close()


class AuctionTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(example.Example(example.program(), 0, 3600))

    def bidder(self):
        bidder = Bidder(self.server)
        self.addCleanup(bidder.close)
        return bidder

    def test_everybody_hears_of_a_higher_bid_and_of_the_end(self):
        bidders = [self.bidder() for _ in range(8)]
        self.assertEqual([bidder.hears() for bidder in bidders], [b"BEST 0\n"] * 8)
        first, second, *others, late = bidders
        first.says(b"BID 10\n")
        self.assertEqual(first.hears(), b"OK\n")
        self.assertEqual([bidder.hears() for bidder in bidders[1:]], [b"BEST 10\n"] * 7)
        second.says(b"BID 10\r\nBID 30\n")
        self.assertEqual([second.hears(), second.hears()], [b"LOW 10\n", b"OK\n"])
        self.assertEqual([bidder.hears() for bidder in (first, *others, late)], [b"BEST 30\n"] * 7)
        late.says(b"nonsense\nBID 4")
        self.assertEqual(late.hears(), b"SAY BID AMOUNT\n")
        self.server.ask_to_end()
        self.assertEqual(second.hears(), b"WON 30\n")
        self.assertEqual([bidder.hears() for bidder in (first, *others)], [b"SOLD 30\n"] * 6)
        late.says(b"0\n")
        self.assertEqual([late.hears() for _ in range(3)], [b"CLOSED\n", b"SOLD 30\n", b""])
        for bidder in bidders:
            bidder.close()
        self.assertEqual(self.server.end(), (0, "sold for 30\n"))


if __name__ == "__main__":
    sys.exit(example.main())

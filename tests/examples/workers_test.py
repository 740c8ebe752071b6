"""Answers that another thread makes: in order, and also while the server ends."""

import socket
import sys
import unittest

import example


class WorkersTest(unittest.TestCase):
    def test_each_question_is_answered(self):
        with example.Example(example.program(), 0) as server:
            clients = [socket.create_connection(server.address, timeout=example.PATIENCE) for _ in range(5)]
            for question, answer in ((b"abc", b"294\n"), (b"b", b"98\n")):
                for client in clients:
                    client.sendall(question)
                self.assertEqual([client.recv(100) for client in clients], [answer] * 5)
            for client in clients:
                client.close()
            self.assertEqual(server.end(), (0, ""))

    def test_the_end_cuts_no_answer(self):
        with example.Example(example.program(), 0) as server:
            first, *others = [socket.create_connection(server.address, timeout=example.PATIENCE) for _ in range(6)]
            for client in (first, *others):
                client.sendall(b"abc")
            self.assertEqual(first.recv(100), b"294\n")
            server.ask_to_end()
            # Whose question a shard had not read by then is not answered. An end without order would raise.
            self.assertLessEqual({example.receive_all(client) for client in others}, {b"", b"294\n"})
            for client in (first, *others):
                client.close()
            self.assertEqual(server.end(), (0, ""))


if __name__ == "__main__":
    sys.exit(example.main())

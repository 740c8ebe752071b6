"""ci.py must see what is missing: a fault that was injected too rarely, and totals that are too small."""

import unittest

import ci
import seeds


def total(count, connections=ci.CONNECTIONS):
    result = {"runs": 1, "connections": connections, "faults": ci.FAULTS, "virtual_seconds": 1.0,
              "cells": [{"platform": "epoll", "site": "wait", "error": 4, "count": ci.A_CELL},
                        {"platform": "iocp", "site": "wake", "error": 1450, "count": count}]}
    of_all = seeds.Sum()
    of_all.add(result)
    return of_all


def failures(of_all):
    return [why for _, why in ci.demands(of_all) if why]


class DemandsTest(unittest.TestCase):
    def test_enough_is_enough(self):
        self.assertEqual(failures(total(ci.A_CELL)), [])

    def test_a_fault_that_is_too_rare_is_named(self):
        self.assertEqual(failures(total(ci.A_CELL - 1)), [f"less than {ci.A_CELL} times: iocp wake 1450"])

    def test_a_fault_that_is_rare_for_a_reason_is_no_failure(self):
        ci.NAMED["iocp", "wake", 1450] = "its reason"
        self.addCleanup(ci.NAMED.clear)
        self.assertEqual(failures(total(1)), [])

    def test_too_few_connections_are_a_failure(self):
        self.assertEqual(len(failures(total(ci.A_CELL, ci.CONNECTIONS - 1))), 1)


if __name__ == "__main__":
    unittest.main()

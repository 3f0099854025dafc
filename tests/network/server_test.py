# SPDX-License-Identifier: MIT
"""What the tests of the book's server share. Run them as: test_x.py SERVER plain|sanitized [name...]"""

import sys
import unittest
from pathlib import Path

import service
from service import Client, Service, Watch

GOOD = {"sum": [1, 2, 3]}
SKIPPED = 77  # the exit status that says so to CTest
PATIENT = ("--peer", "100000", "--time", "600", "--silence", "600")  # where these limits are not what is tested


class ServerTest(unittest.TestCase):
    program: Path
    sanitized = False
    options = PATIENT

    def setUp(self):
        watch = Watch()
        self.addCleanup(lambda: self.assertEqual(watch.left(), []))
        self.server = self.start()
        self.addCleanup(self.end_well)

    def start(self) -> Service:
        return Service(self.program, *self.options)

    def end_well(self) -> None:
        """Whatever has happened, it still answers, and ends with 0 and without a complaint."""
        with self.server:
            if self.server.process.poll() is None:
                self.assertTrue(service.wait_until(self.answers))
                self.server.terminate()
            self.assertEqual(self.server.wait(), 0)
            self.assertEqual(self.server.complaints(), "")

    def answers(self) -> bool:
        """Someone new. Not, for example, as long as there are too many."""
        try:
            with self.connect() as client:
                return client.ask(GOOD) == {"sum": 6}
        except ConnectionError:
            return False

    def connect(self) -> Client:
        return Client(self.server.address)

    def assert_error(self, answer: dict | None) -> None:
        self.assertEqual(list(answer or {}), ["error"], answer)
        self.assertIsInstance(answer["error"], str)
        self.assertNotEqual(answer["error"], "")


def main() -> None:
    """Runs the tests of the calling file."""
    ServerTest.program = Path(sys.argv.pop(1)).resolve()
    service.room.enter(ServerTest.program.parent)
    ServerTest.sanitized = sys.argv.pop(1) == "sanitized"
    result = unittest.main(verbosity=2, exit=False).result
    if result.testsRun == len(result.skipped):
        sys.exit(SKIPPED)
    sys.exit(not result.wasSuccessful())

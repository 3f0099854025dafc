# SPDX-License-Identifier: MIT
"""The proxy itself: it does to what passes what its plan says, and counts it."""

import contextlib
import socket
import threading
import unittest

import service
from proxy import Plan, Proxy

TEXT = bytes(range(256)) * 8


class Echo:
    """Sends back what comes."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self) -> "Echo":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def run(self) -> None:
        with contextlib.suppress(OSError):  # shut down
            while True:
                connection, _ = self.listener.accept()
                with connection, contextlib.suppress(ConnectionError):
                    while data := connection.recv(1 << 16):
                        connection.sendall(data)


def there_and_back(address: tuple[str, int], text: bytes = TEXT) -> tuple[bytes, str]:
    """What comes back, and how it ends."""
    got = b""
    with service.Client(address) as client:
        try:
            client.socket.sendall(text)
            client.end()
            while part := client.socket.recv(1 << 16):
                got += part
        except ConnectionError:
            return got, "reset"
    return got, "end"


class Faults(unittest.TestCase):
    def carry(self, plan: Plan, seed: int = 1, text: bytes = TEXT) -> tuple[bytes, str, dict]:
        """What comes back, how it ends, and the faults."""
        with Echo() as echo, Proxy(echo.address, plan, seed) as proxy:
            got, end = there_and_back(proxy.address, text)
        self.assertEqual(proxy.connections, 1)
        return got, end, dict(proxy.faults)

    def test_without_faults_all_passes(self):
        self.assertEqual(self.carry(Plan()), (TEXT, "end", {}))

    def test_what_is_split_joined_or_late_arrives_whole(self):
        for kind in ("split", "join", "delay"):
            got, end, faults = self.carry(Plan(**{kind: 1}))
            self.assertEqual((got, end), (TEXT, "end"))
            self.assertLessEqual(set(faults), {kind})

    def test_what_one_splits_another_joins(self):
        with Echo() as echo, Proxy(echo.address, Plan(join=1), 1) as joining:
            with Proxy(joining.address, Plan(split=1, delay=1), 1) as splitting:
                self.assertEqual(there_and_back(splitting.address), (TEXT, "end"))
        self.assertGreater(joining.faults["join"], 0)
        self.assertGreater(splitting.faults["split"], 0)
        self.assertGreater(splitting.faults["delay"], 0)

    def test_a_corrupt_byte_is_another_one(self):
        got, _, faults = self.carry(Plan(corrupt=1))
        different = sum(a != b for a, b in zip(got, TEXT, strict=True))
        self.assertTrue(1 <= different <= faults["corrupt"], f"{different} bytes, {faults}")

    def test_a_cut_comes_early_and_ends_both_sides(self):
        for kind in ("cut", "reset"):
            got, end, faults = self.carry(Plan(**{kind: 1}))
            self.assertEqual(got, TEXT[: len(got)])
            self.assertLess(len(got), 500)
            self.assertEqual(faults, {kind: 1})
        self.assertEqual(end, "reset")

    def test_the_same_seed_does_the_same(self):
        for plan in (Plan(corrupt=1), Plan(cut=0.5, reset=0.5)):
            faults = [self.carry(plan, seed)[2] for seed in (1, 2, 3, 4, 5) * 2]
            self.assertEqual(faults[:5], faults[5:])
        changed = [self.carry(Plan(corrupt=1), seed, TEXT[:9])[0] for seed in (1, 2) * 2]
        self.assertEqual(changed[:2], changed[2:])
        self.assertNotEqual(*changed[:2])


if __name__ == "__main__":
    unittest.main()

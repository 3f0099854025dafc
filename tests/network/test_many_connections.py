# SPDX-License-Identifier: MIT
"""server_limits with ten thousand connections at once, a thousand of them active."""

import select

import server_test
import service
from server_test import GOOD, PATIENT, ServerTest
from service import Client

MANY, ACTIVE, ROUNDS = 10_000, 1_000, 3
SPARE = 100  # descriptors besides the connections
IDLE_BYTES = 16 << 10  # of an idle connection, at most


class Many(ServerTest):
    options = (*PATIENT, "--connections", "12000")

    def setUp(self):
        allowed = service.raise_descriptor_limit()
        self.count = MANY if not self.sanitized else MANY // 5
        if allowed < self.count + SPARE:
            self.skipTest(f"{allowed} descriptors are allowed, {self.count} connections need more")
        super().setUp()

    def test_ten_thousand_are_open_and_a_thousand_are_active(self):
        with self.connect() as client:
            client.ask(GOOD)
        before = self.server.memory()
        clients = [self.connect() for _ in range(self.count)]
        try:
            self.assertEqual(clients[-1].ask(GOOD), {"sum": 6})  # all before it are in
            for_one = (self.server.memory() - before) / self.count
            print(f"{self.count} connections, {for_one:.0f} bytes for an idle one", flush=True)
            if not self.sanitized:
                self.assertLess(for_one, IDLE_BYTES)
            self.ask_often(clients[:: self.count // ACTIVE])
            self.assert_all_live(clients)
        finally:
            for client in clients:
                client.socket.close()

    def ask_often(self, active: list[Client]) -> None:
        for turn in range(ROUNDS):
            for number, client in enumerate(active):
                client.send({"sum": [turn, number]}, {"sum": [turn, -number]})
            for number, client in enumerate(active):
                self.assertEqual(client.answer(), {"sum": turn + number})
                self.assertEqual(client.answer(), {"sum": turn - number})

    def assert_all_live(self, clients: list[Client]) -> None:
        poll = select.poll()
        for client in clients:
            poll.register(client.socket, select.POLLIN | select.POLLRDHUP)
        self.assertEqual(poll.poll(0), [], "some are closed")
        for client in clients:
            client.send(GOOD)
        for client in clients:
            self.assertEqual(client.answer(), {"sum": 6})


if __name__ == "__main__":
    server_test.main()
